package inject

import "testing"

// What is no JSON, or has more behind it, is neither a list nor an object.
func TestElementsAreOneValue(t *testing.T) {
	for value, want := range map[string]bool{
		`[{"name":"a"}]`: true, ` {"a":{}} `: true, `[]`: true,
		`{"a":{}} }`: false, `[] []`: false, `[`: false, ``: false, `null`: false, `"a"`: false,
	} {
		if _, _, err := elements(value); (err == nil) != want {
			t.Errorf("%s: %v", value, err)
		}
	}
}

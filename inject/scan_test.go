package inject_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/templates"
)

// FuzzValid: what is JSON is said by encoding/json.
func FuzzValid(f *testing.F) {
	for _, pod := range templates.Corpus() {
		f.Add(pod)
	}
	for _, text := range []string{
		`{"a":[1,-2.5e+3,0E-1,true,false,null,"","é"],"a":{"b":[]}}`, `"\u00e9\/\b\f\n\r\t\"\\"`, ` [ ] `, `01`, `-01`, `1.`, `-`, `1e`, `1e+`, `[1,]`, `[,1]`,
		`{"a":1,}`, `{,}`, `{"a" 1}`, `{"a":}`, `{1:1}`, "\"\x01\"", "\"1234567\x1f\"", "\"\xff\"", "\"\x7f\"", `tru`, `nulls`, `{}x`, `"\x"`, `"\u12g4"`, `"\u12`, `"\`, `"`, ``, ` `,
		`[1 2]`, `{"a":1 "b":2}`, `]`, `"12345678`, `"1234567"8`, `"12345678\"`, strings.Repeat("[", 1002) + strings.Repeat("]", 1002), strings.Repeat("[", 10002),
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		want := json.Valid(text)
		if got := inject.Valid(text); got != (want && depth(text) <= inject.MaxParsed) {
			t.Errorf("%q: %t, encoding/json says %t", text, got, want)
		}
	})
}

// depth is how deep a text that is JSON is nested.
func depth(text []byte) (deepest int) {
	d := json.NewDecoder(bytes.NewReader(text))
	for level := 0; ; deepest = max(deepest, level) {
		switch token, err := d.Token(); {
		case err != nil:
			return deepest
		case token == json.Delim('{'), token == json.Delim('['):
			level++
		case token == json.Delim('}'), token == json.Delim(']'):
			level--
		}
	}
}

func BenchmarkValid(b *testing.B) {
	pod := templates.Corpus()[0]
	for name, valid := range map[string]func([]byte) bool{"by=inject": inject.Valid, "by=encoding-json": json.Valid} {
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(pod)))
			for b.Loop() {
				valid(pod)
			}
		})
	}
}

//go:build !linux

package standin_test

import "testing"

func TestStandin(t *testing.T) {
	t.Skip("the stand-in is the image of a container: wants Linux")
}

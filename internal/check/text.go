package check

import (
	"fmt"
	"io"
	"strings"
	"unicode"
)

// WriteText writes findings for people: each as a line, with its cure as a hint below it.
//
//	error: server: deployment "outrigger-system/outrigger-injector": does not exist
//	hint: name the --namespace that the chart is installed in, or install it with server.create=true
func WriteText(out io.Writer, findings []Finding) error {
	for _, f := range findings {
		line := fmt.Sprintf("%s: %s: %s", f.Level, f.Check, oneLine(f.Text))
		if f.Cure != "" {
			line += "\nhint: " + oneLine(f.Cure)
		}
		if _, err := fmt.Fprintln(out, line); err != nil {
			return err
		}
	}
	return nil
}

// oneLine keeps what others have said on its line, and from moving the reader's cursor.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, text)
}

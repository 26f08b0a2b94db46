package templates

import (
	"fmt"
	"reflect"
	"text/template"
)

// printFunctions are text/template's own functions that make text, metered.
func printFunctions() map[string]function {
	return map[string]function{
		"print":    metered(fmt.Sprint, plainAll(0)),
		"println":  metered(fmt.Sprintln, plainAll(0)),
		"printf":   metered(fmt.Sprintf, formatting, formatted),
		"html":     metered(template.HTMLEscaper, shown),
		"js":       metered(template.JSEscaper, shown),
		"urlquery": metered(template.URLQueryEscaper, shown),
	}
}

// maxWidth is the largest width that fmt takes from a format or an argument.
const maxWidth = 1_000_000

// formatting is the price of what a format adds to its arguments: the widths it
// asks for, and all arguments once more for each verb that picks one by number,
// since that verb may pick one that has been printed before.
func formatting(m *meter, args []reflect.Value) error {
	before := m.left
	if err := m.weigh(args[1]); err != nil {
		return err
	}
	size := before - m.left
	format := args[0].String()
	for at := 0; at < len(format); at++ {
		if format[at] != '%' {
			continue
		}
		width := 0
	verb:
		for at++; at < len(format); at++ {
			switch c := format[at]; {
			case c >= '0' && c <= '9':
				width = min(width*10+int(c-'0'), maxWidth)
			case c == '[':
				width += size
			case c == '*':
				width += maxWidth
			case c == '.':
				if err := m.spend(width); err != nil {
					return err
				}
				width = 0
			case c == '+', c == '-', c == '#', c == ' ', c == ']':
			default:
				break verb
			}
		}
		if err := m.spend(width); err != nil {
			return err
		}
	}
	return nil
}

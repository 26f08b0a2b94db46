package inject

import (
	"bytes"
	"encoding/json"
	"slices"
	"unicode/utf8"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Fields are what is wanted of a JSON object: by a field's name the pointer that
// its value is read into, or the Fields of the object that it is. Into a
// *json.RawMessage goes the value's text, which shares memory with the whole.
type Fields map[string]any

// A Whole is for an object of which both the text and some fields are wanted.
type Whole struct {
	Text   *json.RawMessage
	Fields Fields
}

// ReadFields reads some fields of a JSON object, and sees in the same go whether
// the whole is JSON. It is false where that is not so, where a field is of another
// type, or where text is not written as JSON's writers write it: with escapes in
// names, a field twice, or a thousand levels. Then what was read so far is of no
// use. A field that is not there leaves what it would be read into. Names count by
// their case.
func ReadFields(text []byte, into Fields) bool {
	s := scanner{text: text}
	return s.read(into, 0) && s.ended()
}

func (s *scanner) read(into Fields, depth int) bool {
	var room [10][]byte
	seen := room[:0]
	return s.object(depth, func(name []byte) bool {
		target, wanted := into[string(name)]
		if !wanted {
			return true
		}
		if slices.ContainsFunc(seen, func(other []byte) bool { return bytes.Equal(name, other) }) {
			return false
		}
		seen = append(seen, name)
		from := s.at
		switch target := target.(type) {
		case Fields:
			return s.read(target, depth+1)
		case Whole:
			read := s.read(target.Fields, depth+1)
			*target.Text = s.text[from:s.at]
			return read
		}
		return s.value(depth+1) && readField(s.text[from:s.at], target)
	})
}

func readField(value []byte, target any) bool {
	switch target := target.(type) {
	case *json.RawMessage:
		*target = value
		return true
	case *string:
		if s, ok := plainText(value); ok {
			*target = s
			return true
		}
	case *map[string]string:
		if m, ok := plainTexts(value); ok {
			*target = m
			return true
		}
	case **bool:
		if yes := string(value) == "true"; yes || string(value) == "false" {
			*target = &yes
			return true
		}
	case *[]metav1.OwnerReference:
		if owners, ok := plainOwners(value); ok {
			*target = owners
			return true
		}
	}
	return decodeTyped(value, target) == nil
}

// plainTexts is an object of strings, which share memory with each other where they
// stand in JSON as they are.
func plainTexts(value []byte) (map[string]string, bool) {
	m := map[string]string{}
	s, whole := scanner{text: value}, string(value)
	return m, s.object(0, func(name []byte) bool {
		key, from := whole[s.key+1:s.key+1+len(name)], s.at
		if s.space() != '"' || !s.string() {
			return false
		}
		text := whole[from+1 : s.at-1]
		if !isPlain(value[from:s.at]) && json.Unmarshal(value[from:s.at], &text) != nil {
			return false
		}
		m[key] = text
		return true
	})
}

// plainOwners are a pod's owners, as the API server writes them.
func plainOwners(value []byte) (owners []metav1.OwnerReference, ok bool) {
	s := scanner{text: value}
	ok = s.list(0, func() bool {
		owners = append(owners, metav1.OwnerReference{})
		o := &owners[len(owners)-1]
		return s.read(Fields{
			"apiVersion": &o.APIVersion, "kind": &o.Kind, "name": &o.Name, "uid": (*string)(&o.UID),
			"controller": &o.Controller, "blockOwnerDeletion": &o.BlockOwnerDeletion,
		}, 1)
	})
	return owners, ok
}

// plainText is a string that stands in JSON as it is.
func plainText(value []byte) (string, bool) {
	if !isPlain(value) {
		return "", false
	}
	return string(value[1 : len(value)-1]), true
}

func isPlain(value []byte) bool {
	return len(value) >= 2 && value[0] == '"' && bytes.IndexByte(value, '\\') < 0 && utf8.Valid(value)
}

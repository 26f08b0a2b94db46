package inject

import (
	"maps"
	"time"

	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/reflect/protoreflect"
	"google.golang.org/protobuf/types/known/durationpb"
)

// asProtoJSON turns JSON that istiod reads into JSON that protojson reads, and
// gives it back as it was where both do. Istiod reads its configuration with the
// older github.com/golang/protobuf/jsonpb, which takes more:
//
//	what                                 becomes
//	a duration as Go writes it, 1m30s    one in seconds, 90s
//	null in a list or as a map's value   what is zero there: "", 0, {}
//	several members of one oneof         the one that the message declares last
//
// What is wrong for both stays, for protojson to find words for.
func asProtoJSON(value any, message protoreflect.MessageDescriptor) any {
	fields, ok := value.(object)
	if !ok || message.ParentFile().Package() == "google.protobuf" {
		return asDuration(value, message)
	}
	out := maps.Clone(fields)
	members := map[protoreflect.Name]string{}
	for i := range message.Fields().Len() {
		field := message.Fields().Get(i)
		name := field.JSONName()
		if out[name] == nil {
			name = field.TextName()
		}
		if out[name] == nil {
			continue
		}
		if oneof := field.ContainingOneof(); oneof != nil {
			delete(out, members[oneof.Name()])
			members[oneof.Name()] = name
		}
		out[name] = asField(out[name], field)
	}
	return out
}

// asField is asProtoJSON for what a field holds, all of a list or a map.
func asField(value any, field protoreflect.FieldDescriptor) any {
	switch value := value.(type) {
	case object:
		if !field.IsMap() {
			break
		}
		out := make(object, len(value))
		for key, element := range value {
			out[key] = asElement(element, field.MapValue())
		}
		return out
	case []any:
		if !field.IsList() {
			break
		}
		out := make([]any, len(value))
		for i, element := range value {
			out[i] = asElement(element, field)
		}
		return out
	}
	if field.Message() == nil {
		return value
	}
	return asProtoJSON(value, field.Message())
}

// asElement is asProtoJSON for one element of a list or a map.
func asElement(value any, field protoreflect.FieldDescriptor) any {
	switch message := field.Message(); {
	case message != nil && value == nil:
		return object{}
	case message != nil:
		return asProtoJSON(value, message)
	case value == nil && field.Kind() == protoreflect.StringKind:
		return ""
	case value == nil && field.Kind() == protoreflect.BoolKind:
		return false
	case value == nil:
		return 0
	}
	return value
}

// asDuration writes a duration in seconds where it is one.
func asDuration(value any, message protoreflect.MessageDescriptor) any {
	text, ok := value.(string)
	if !ok || message.FullName() != "google.protobuf.Duration" {
		return value
	}
	duration, err := time.ParseDuration(text)
	if err != nil {
		return value
	}
	seconds, err := protojson.Marshal(durationpb.New(duration))
	if err != nil {
		return value
	}
	return string(seconds[1 : len(seconds)-1])
}

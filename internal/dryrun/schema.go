package dryrun

import _ "embed"

// Schema is the JSON Schema of an [Answer], as GET /schema.json serves it.
//
//go:embed schema.json
var Schema []byte

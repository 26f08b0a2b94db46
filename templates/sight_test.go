package templates_test

import (
	"testing"

	"outrigger.dev/outrigger/templates"
)

func TestSeesVariables(t *testing.T) {
	for text, want := range map[string]bool{
		`{{ range .Spec.Containers }}{{ .Name }}{{ range .Ports }}{{ .ContainerPort }}{{ end }}{{ end }}`: false,
		`{{ range $i, $c := .Spec.Containers }}{{ $c.Name }}{{ $i }}{{ end }}`:                            true, // an index may be the container
		`{{ range $i, $c := .Spec.Containers }}{{ if $i }},{{ end }}{{ $c.Name }}{{ end }}`:               false,
		`{{ (index .Spec.Containers 0).Name }}`:                                                           false,
		`{{ applicationPorts .Spec.Containers }}{{ len .Spec.Containers }}`:                               false,
		`{{ with .Spec }}{{ .ServiceAccountName | default "default" }}{{ end }}`:                          false,
		`{{ $spec := .Spec }}{{ if $spec.Containers }}{{ $spec.NodeName }}{{ end }}`:                      false,
		`{{ toYaml .Values }}{{ toJSON .ObjectMeta.Labels }}{{ .ProxyConfig.GetStatusPort }}`:             false,
		`{{ define "a" }}{{ . }}{{ end }}{{ template "a" .ObjectMeta.Name }}`:                             false,
		`{{ .Spec }}`:                     true,
		`{{ toYaml .Spec }}`:              true,
		`{{ .Spec.Containers | toYaml }}`: true,
		`{{ . }}`:                         true,
		`{{ $ }}`:                         true,
		`{{ printf "%v" (index .Spec.Containers 0) }}`:                                                                                               true,
		`{{ range .Spec.Containers }}{{ range .Env }}{{ .Name }}{{ end }}{{ end }}`:                                                                  true,
		`{{ range .Spec.InitContainers }}{{ if .Env }}x{{ end }}{{ end }}`:                                                                           true,
		`{{ (index .Spec.Containers 0).Env | len }}`:                                                                                                 true,
		`{{ $all := list }}{{ range .Spec.Containers }}{{ $all = append $all . }}{{ end }}`:                                                          true,
		`{{ $c := "" }}{{ range .Spec.Containers }}{{ $c = . }}{{ end }}{{ $c.Env }}`:                                                                true,
		`{{ define "a" }}{{ .Env }}{{ end }}{{ range .Spec.Containers }}{{ template "a" . }}{{ end }}`:                                               true,
		`{{ define "a" }}{{ .Name }}{{ end }}{{ range .Spec.Containers }}{{ template "a" . }}{{ end }}`:                                              false,
		`{{ define "a" }}{{ .Name }}{{ template "a" . }}{{ end }}{{ with .Spec }}{{ template "a" . }}{{ end }}`:                                      false,
		`{{ define "a" }}{{ $.Env }}{{ end }}{{ define "b" }}{{ template "a" . }}{{ end }}{{ range .Spec.Containers }}{{ template "b" . }}{{ end }}`: true,
		`{{ block "a" .Spec }}{{ .Containers }}{{ end }}`:                                                                                            true,
		`{{ .Spec.String }}`:                                                                           true,
		`{{ eq (index .Spec.Containers 0) "" }}`:                                                       true,
		`{{ with index .Spec.Containers 0 }}{{ .Env }}{{ end }}`:                                       true,
		`{{ $v := .ObjectMeta }}{{ range .Spec.Containers }}{{ $v := . }}{{ $v.Env }}{{ end }}`:        true,
		`{{ $v := .ObjectMeta }}{{ if true }}{{ $v := .Spec }}{{ $v.NodeName }}{{ end }}{{ $v.Name }}`: false,
		`{{ (.Spec.Containers | first).Env }}`:                                                         true,
		`{{ default .Spec "x" }}`:                                                                      true,
		`{{ range $name, $value := .Values }}{{ $name }}{{ $value }}{{ end }}`:                         false,
		`{{ range .Spec.EphemeralContainers }}{{ .Env }}{{ end }}`:                                     true,
		`{{ range .Spec.Volumes }}{{ toYaml . }}{{ end }}`:                                             false,
	} {
		set, err := templates.Parse(map[string]string{"t": text}, templates.Options{})
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if got := set.SeesVariables("t"); got != want {
			t.Errorf("%s: %t, want %t", text, got, want)
		}
	}
}

// The built-in templates look at no variables, however large a pod they are for.
func TestNoBuiltinSeesVariables(t *testing.T) {
	set, err := templates.Parse(templates.Builtin(), templates.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range set.Names() {
		if set.SeesVariables(name) {
			t.Errorf("template %q sees variables", name)
		}
	}
}

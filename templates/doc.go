// Package templates turns a pod and a configuration into the YAML that is merged
// into the pod. Templates are Go's text/template, with Istio's data and Istio's
// functions, so that templates written for Istio's injector from 1.20 on work
// unchanged.
//
// A [Set] is parsed once, with [Parse], and executed for each pod. What follows is
// for those who write templates.
//
// # What a template is
//
// A template yields a partial pod as YAML:
//
//	metadata:
//	  labels:
//	    example.com/logged: "true"
//	spec:
//	  containers:
//	  - name: logger
//	    image: {{ .Values.logger.image | quote }}
//	    env:
//	    - name: APP
//	      value: {{ index .ObjectMeta.Labels "app" | default "unknown" | quote }}
//	  volumes:
//	  - name: logs
//	    emptyDir: {}
//
// It is laid over the pod as a strategic merge patch: lists of things with a name
// are merged by the name, and what the template has comes first.
//
// What a pod's author writes, labels and annotations above all, belongs into the
// YAML through quote or structToJSON, which YAML reads as well: both keep it one
// value whatever is in it.
//
// # What a template sees
//
// The dot is a [Data]. .Values holds the configuration's values, where a name that
// is not there prints as <no value>. The mesh's messages have Istio's methods, such
// as .ProxyConfig.InterceptionMode.String. A template may call methods that read;
// one that would change the data, copy it or print it whole is refused when the
// template is parsed.
//
// # What a template may call
//
// Istio's functions:
//
//	annotation META NAME DEFAULT         the annotation's value, or else the default
//	isset MAP KEY                        whether a map of strings has a key
//	valueOrDefault VALUE DEFAULT         the default for null and ""
//	excludeInboundPort PORT LIST         the list by comma with the port, unless that is 0 or ""
//	includeInboundPorts CONTAINERS       their TCP ports, by comma
//	applicationPorts CONTAINERS          the same without istio-proxy's
//	kubevirtInterfaces, excludeInterfaces   give what they are given
//	appendMultusNetwork LIST NETWORK     the list, by comma or JSON, with the network
//	otelResourceAttributes MESH ANNOTATIONS LABELS NAMESPACE CONTAINERS
//	formatDuration DURATION              as in 1m30s
//	structToJSON VALUE, toJSON MAP, toJsonMap MAP...   one line of JSON
//	protoToJSON MESSAGE                  the same; a ProxyConfig without Istio's defaults
//	fromJSON TEXT                        a value; "{}" for what is no JSON
//	toYaml VALUE                         YAML with a line feed at its end
//	indent SPACES TEXT                   every line but the first indented
//	strdict KEY VALUE...                 a map of strings
//	mergeMaps MAP..., omit MAP KEY...    of maps of strings
//	omitNil VALUE                        without what is null in it
//	directory PATH                       up to the last slash
//	contains NEEDLE HAYSTACK, toLower TEXT
//	env NAME DEFAULT                     one of the injector's few settings, never the process's environment
//
// Most of sprig's (https://masterminds.github.io/sprig), where the ones above do not
// go before them. Those that need a clock, a time zone, randomness, the network, keys
// or the process are known, so that a template that names them parses, and refuse
// to be called: the same pod always gives the same result. For the same reason no
// pointer is printed as an address: that is an error. keys, values and
// sortAlpha give their results in order, merge copies what it merges, and a bad
// regular expression is an error.
//
// text/template's own: and, or, not, eq, ne, lt, le, gt, ge, index, len, call, print,
// printf, println, html, js, urlquery. slice is sprig's.
//
// # What bounds a template
//
// A template cannot take all time or all memory, whatever it says and whatever the
// pod says. An execution that goes beyond one of these ends with an error:
//
//	the text of a template       256 KiB
//	what it writes               1 MiB
//	work                         8,388,608 units
//	values within values         50 deep
//	a regular expression         1000 bytes
//
// A node of the template that is executed costs 16 units of work, once for every
// turn of the loop that it is in; a function costs a unit for every byte that it is
// given and that it gives, or 16 for any value that is not text. A small pod takes
// the built-in sidecar 40,000.
package templates

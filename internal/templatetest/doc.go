// Package templatetest holds templates to what their authors expect of them: a file
// of tests names pods and says, for each, what is decided about it and what it has
// to look like then.
//
//	apiVersion: outrigger.dev/v1alpha1
//	kind: TemplateTest
//	tests:
//	- name: a web pod gets the log shipper
//	  file: web.yaml          # beside this file; or pod: {…}, in place
//	  namespace:              # without it, one that is enabled
//	    labels: {istio-injection: enabled}
//	  want:
//	    decision: inject      # or skip, or deny
//	    pod:
//	      spec:
//	        containers:
//	        - name: log-shipper
//	          image: example.com/log-shipper:2.1
//
// What is wanted of a pod is a part of it. A list of things that have a name, as
// containers have, needs to have those that are wanted, in any order; any other list
// is compared whole. What is null must not be there.
package templatetest

package certs

import "fmt"

// ServiceNames are the names under which a Service is called from inside its
// cluster. The API server uses the third.
func ServiceNames(service, namespace string) []string {
	return []string{
		service,
		fmt.Sprintf("%s.%s", service, namespace),
		fmt.Sprintf("%s.%s.svc", service, namespace),
		fmt.Sprintf("%s.%s.svc.cluster.local", service, namespace),
	}
}

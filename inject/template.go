package inject

import "fmt"

// Render returns what one template writes for a pod, whatever would be decided about
// the pod, and before anything is laid over it. It is for those who write templates.
// The error is the template's, or says that what it wrote is no part of a pod, which
// comes along; a pod whose annotations are refused has an error, too.
func (in *Injector) Render(req Request, name string) (string, error) {
	base, err := decodeObject(req.Pod)
	if err != nil {
		return "", fmt.Errorf("pod: %w", err)
	}
	pod, err := in.typed(req, base)
	if err != nil {
		return "", fmt.Errorf("pod: %w", err)
	}
	r := in.rendering(req, pod, base)
	r.readAnnotations()
	if err := r.checkAnnotations(req.ProxyConfigs); err != nil {
		return "", err
	}
	r.native, _ = in.native(pod, r.owner, req.Native)
	out, err := in.set.Execute(name, r.data())
	if err != nil {
		return "", err
	}
	if _, err := parseOverlay(out); err != nil {
		return out, fmt.Errorf("template %q: %w", name, err)
	}
	return out, nil
}

package inject

import (
	"slices"
	"strings"

	meshconfig "istio.io/api/mesh/v1alpha1"
)

// Types of the proxy's image that Istio publishes, each a suffix of the tag.
var imageTypes = []string{"distroless", "debug"}

const (
	imageTypeAnnotation = "sidecar.istio.io/proxyImageType"
	imageTypeDefault    = "default"
	defaultProxyImage   = "proxyv2"
)

// imageRef is hub/name:tag, the tag with the suffix of the image's type
// (updateImageTypeIfPresent in Istio's pkg/kube/inject/inject.go): one that the
// tag has goes, "default" adds none.
func imageRef(hub, name, tag, imageType string) string {
	if name == "" {
		name = defaultProxyImage
	}
	if imageType != "" {
		if at := strings.LastIndex(tag, "-"); at >= 0 && slices.Contains(imageTypes, tag[at+1:]) {
			tag = tag[:at]
		}
		if imageType != imageTypeDefault {
			tag += "-" + imageType
		}
	}
	return hub + "/" + name + ":" + tag
}

// images are the proxy's image and the init container's: the annotation's type,
// for the proxy then ProxyConfig's, then the values' variant.
func (in *Injector) images(config *meshconfig.ProxyConfig, annotations map[string]string) (proxy, initial string) {
	v := in.values
	imageType := v.variant
	initType := v.variant
	if image := config.GetImage(); image != nil {
		imageType = image.GetImageType()
	}
	if annotated, ok := annotations[imageTypeAnnotation]; ok {
		imageType, initType = annotated, annotated
	}
	return imageRef(v.hub, v.proxyImage, v.tag, imageType), imageRef(v.hub, v.initImage, v.tag, initType)
}

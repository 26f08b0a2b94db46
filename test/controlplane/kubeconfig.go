package controlplane

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	clientcmdv1 "k8s.io/client-go/tools/clientcmd/api/v1"
	"sigs.k8s.io/yaml"
)

// Kubeconfig is the file by which clients reach the API server as a member of
// system:masters, to whom everything is allowed.
func (c *ControlPlane) Kubeconfig() string { return c.kubeconfig() }

// Config is the same as [ControlPlane.Kubeconfig] for Go clients. Requests are not slowed
// down on the client's side. The caller owns the copy.
func (c *ControlPlane) Config() *rest.Config { return rest.CopyConfig(c.config) }

// UserKubeconfig writes a kubeconfig for a user in groups, with a client certificate, and
// returns the file. What the user may do is up to RBAC: at first next to nothing, unless a
// group is allowed something.
func (c *ControlPlane) UserKubeconfig(user string, groups ...string) (string, error) {
	return c.writeUser(c.kubeconfigFile("user", user), user, groups...)
}

// ServiceAccountKubeconfig writes a kubeconfig with a token of a ServiceAccount, which has
// to exist, and returns the file. A server that is run outside of the cluster with it has
// the rights that its chart gives it, no more.
func (c *ControlPlane) ServiceAccountKubeconfig(ctx context.Context, namespace, name string) (string, error) {
	seconds := int64(lifetime.Seconds())
	request := &authenticationv1.TokenRequest{
		Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &seconds},
	}
	accounts := c.client.CoreV1().ServiceAccounts(namespace)
	reply, err := accounts.CreateToken(ctx, name, request, metav1.CreateOptions{})
	if err != nil {
		return "", fmt.Errorf("token for ServiceAccount %s/%s: %w", namespace, name, err)
	}
	file := c.kubeconfigFile("serviceaccount", namespace, name)
	return file, c.writeKubeconfig(file, clientcmdv1.AuthInfo{Token: reply.Status.Token})
}

// writeUser writes a kubeconfig with a certificate that is signed for it.
func (c *ControlPlane) writeUser(file, user string, groups ...string) (string, error) {
	cert, key, err := c.authority.client(user, groups...)
	if err != nil {
		return "", fmt.Errorf("certificate for %q: %w", user, err)
	}
	return file, c.writeKubeconfig(file, clientcmdv1.AuthInfo{ClientCertificateData: cert, ClientKeyData: key})
}

// writeKubeconfig writes a kubeconfig with one context, which is current.
func (c *ControlPlane) writeKubeconfig(file string, who clientcmdv1.AuthInfo) error {
	const name = "controlplane"
	text, err := yaml.Marshal(clientcmdv1.Config{
		APIVersion: "v1",
		Kind:       "Config",
		Clusters: []clientcmdv1.NamedCluster{{Name: name, Cluster: clientcmdv1.Cluster{
			Server: c.url, CertificateAuthorityData: c.authority.pem(),
		}}},
		AuthInfos: []clientcmdv1.NamedAuthInfo{{Name: name, AuthInfo: who}},
		Contexts: []clientcmdv1.NamedContext{{Name: name, Context: clientcmdv1.Context{
			Cluster: name, AuthInfo: name,
		}}},
		CurrentContext: name,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(file, text, 0o600)
}

// kubeconfigFile names the file for whom the parts tell. Escaped, because a user's name may
// hold a slash, and KUBECONFIG takes a colon for a separator.
func (c *ControlPlane) kubeconfigFile(parts ...string) string {
	return c.file("kubeconfigs", url.QueryEscape(strings.Join(parts, ".")))
}

// adminConfig is the rest.Config of a member of system:masters.
func (c *ControlPlane) adminConfig() (*rest.Config, error) {
	cert, key, err := c.authority.client("admin", "system:masters")
	if err != nil {
		return nil, err
	}
	return &rest.Config{
		Host:            c.url,
		QPS:             -1,
		TLSClientConfig: rest.TLSClientConfig{CAData: c.authority.pem(), CertData: cert, KeyData: key},
	}, nil
}

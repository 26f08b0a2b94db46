package analyze

import (
	"cmp"
	"context"
	"crypto/tls"
	"net"
	"net/url"
	"time"
)

// dialTime bounds a look at a certificate.
const dialTime = 3 * time.Second

// readServed asks the servers for their certificates that our webhooks call by a URL. One
// that cannot be reached from here may well be from the API server. Who is behind a Service
// is not reached from outside of a cluster; outrigger check asks those, by other ways.
func (g *gathering) readServed(ctx context.Context, scene *Scene) {
	scene.Served = map[string]Served{}
	for _, c := range scene.ours() {
		for _, w := range c.Webhooks {
			endpoint := Endpoint(w.ClientConfig)
			if _, known := scene.Served[endpoint]; known || w.ClientConfig.URL == nil {
				continue
			}
			served, err := served(ctx, endpoint)
			scene.Served[endpoint] = served
			if err != nil {
				g.unseen = append(g.unseen, Unseen{Resource: "certificates at " + endpoint, Err: err})
			}
		}
	}
}

// served is the certificate that is presented at a URL.
func served(ctx context.Context, at string) (Served, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	where, err := url.Parse(at)
	if err != nil {
		return Served{}, err
	}
	name := where.Hostname()
	connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", net.JoinHostPort(name, cmp.Or(where.Port(), "443")))
	if err != nil {
		return Served{}, err
	}
	defer connection.Close()
	// What is presented is held against the CA bundle later, and nothing is sent to whoever
	// presents it.
	client := tls.Client(connection, &tls.Config{ServerName: name, InsecureSkipVerify: true})
	if err := client.HandshakeContext(ctx); err != nil {
		return Served{}, err
	}
	return Served{Name: name, Chain: client.ConnectionState().PeerCertificates}, nil
}

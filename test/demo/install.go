package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

const (
	release   = "outrigger"
	namespace = "outrigger-system"
	account   = "outrigger-injector"
)

// addresses are where the server listens on this machine.
type addresses struct{ webhook, health, metrics, dryRun string }

// install puts the chart into the cluster. A server of an earlier run is
// stopped first: the webhook gets another address.
func (d *demo) install(ctx context.Context) error {
	if err := d.injector.stop(); err != nil {
		return err
	}
	for _, address := range []*string{&d.webhook, &d.health, &d.metrics, &d.dryRun} {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return err
		}
		defer listener.Close() // not before all of them have one, or two might get the same
		*address = listener.Addr().String()
	}
	// A Helm that was killed leaves a release that no other Helm touches.
	if err := d.quiet(ctx, fmt.Sprintf("kubectl delete secrets --namespace %s --selector owner=helm,name=%s,status!=deployed,status!=superseded,status!=failed",
		namespace, release), io.Discard); err != nil {
		return err
	}
	return d.run(ctx, fmt.Sprintf("helm upgrade --install %s charts/outrigger --namespace %s --create-namespace --hide-notes --set webhook.url=https://%s",
		release, namespace, d.webhook))
}

// startInjector starts the server in the background and waits until it is ready.
func (d *demo) startInjector(ctx context.Context) error {
	if err := d.writeKubeconfig(ctx); err != nil {
		return err
	}
	args := []string{
		"--kubeconfig", d.at("injector.kubeconfig"), "--dns-name", "127.0.0.1",
		"--webhook-address", d.webhook, "--health-address", d.health, "--metrics-address", d.metrics, "--dry-run-address", d.dryRun,
	}
	fmt.Fprintf(d.out, "  $ outrigger-injector %s &\n", strings.Join(args, " "))
	if err := d.injector.start(d.lookUp("outrigger-injector"), args, nil); err != nil {
		return fmt.Errorf("outrigger-injector: %w", err)
	}
	if err := d.awaitReady(ctx, "http://"+d.health+"/readyz"); err != nil {
		return err
	}
	fmt.Fprintln(d.out, "  ready")
	return nil
}

// writeKubeconfig writes a kubeconfig by which the server is the chart's
// ServiceAccount, as it would be in a pod.
func (d *demo) writeKubeconfig(ctx context.Context) error {
	token, err := d.output(ctx, fmt.Sprintf("kubectl create token %s --namespace %s --duration 720h", account, namespace))
	if err != nil {
		return err
	}
	text, err := d.output(ctx, "kubectl config view --raw --flatten -o json")
	if err != nil {
		return err
	}
	var config map[string]any
	if err := json.Unmarshal(text, &config); err != nil {
		return err
	}
	users, _ := config["users"].([]any)
	for _, u := range users {
		if user, ok := u.(map[string]any); ok {
			user["user"] = map[string]any{"token": strings.TrimSpace(string(token))}
		}
	}
	if text, err = json.Marshal(config); err != nil {
		return err
	}
	return os.WriteFile(d.at("injector.kubeconfig"), text, 0o600)
}

// readyLimit is how long the server may take. It is ready in a second or two.
const readyLimit = time.Minute

// awaitReady asks until the server says that it is ready. If it never does, the
// error ends in what it said last.
func (d *demo) awaitReady(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeoutCause(ctx, readyLimit, errors.New("not ready after a minute"))
	defer cancel()
	said := ""
	for {
		request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		if response, err := http.DefaultClient.Do(request); err == nil {
			body, _ := io.ReadAll(response.Body)
			response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return nil
			}
			said = "\n" + string(body)
		}
		if !d.injector.runs() {
			log, _ := os.ReadFile(d.injector.log)
			return fmt.Errorf("outrigger-injector ended:\n%s", log)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("outrigger-injector: %w%s", context.Cause(ctx), said)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

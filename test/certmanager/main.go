// Certmanager runs cert-manager beside a control plane of these tests: the controllers
// that issue and renew certificates, and the cainjector, from cert-manager's own module
// and as its two programs start them. What has to do with ACME, Vault and Ingresses is
// left out, and so is its webhook: an issuer that is in the cluster needs none of it.
//
//	certmanager -kubeconfig FILE
//
// It ends when it is interrupted. It is a module of its own, so that what cert-manager
// needs is needed by nothing else.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	logf "github.com/cert-manager/cert-manager/pkg/logs"
	"k8s.io/klog/v2"
	ctrl "sigs.k8s.io/controller-runtime"
)

func main() {
	flags := flag.NewFlagSet("certmanager", flag.ExitOnError) // the common one is full of libraries' flags
	kubeconfig := flags.String("kubeconfig", "", "`FILE` that says how to reach the API server")
	_ = flags.Parse(os.Args[1:]) // it exits where it cannot
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	log := klog.NewKlogr()
	ctrl.SetLogger(log)
	if err := run(logf.NewContext(ctx, log), *kubeconfig); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		os.Exit(1)
	}
}

// run runs both until ctx ends or one of them does.
func run(ctx context.Context, kubeconfig string) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	ended := make(chan error, 2)
	for name, part := range map[string]func(context.Context, string) error{"controllers": issue, "cainjector": inject} {
		go func() {
			defer stop()
			err := part(ctx, kubeconfig)
			if err != nil {
				err = fmt.Errorf("%s: %w", name, err)
			}
			ended <- err
		}()
	}
	return errors.Join(<-ended, <-ended)
}

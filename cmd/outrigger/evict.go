package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"golang.org/x/term"
	"k8s.io/client-go/kubernetes"

	"outrigger.dev/outrigger/internal/missing"
)

// evictions have new pods made in the place of some.
type evictions struct {
	client kubernetes.Interface
	pause  time.Duration
	yes    bool
	in     io.Reader
	// out is for what was done, say for what is about to be.
	out, say io.Writer
}

// run proves, announces, asks, and evicts.
func (e evictions) run(ctx context.Context, found []missed) error {
	chosen := e.announce(ctx, found)
	if len(chosen) == 0 {
		return errors.New("no pod can be evicted")
	}
	what := fmt.Sprintf("%d pods, one every %s", len(chosen), e.pause)
	if len(chosen) == 1 {
		what = "1 pod"
	}
	if !e.yes {
		agreed, err := e.ask("Evict " + what + "?")
		if err != nil || !agreed {
			return err
		}
	}
	var faults []error
	for i, m := range chosen {
		if i > 0 {
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(e.pause):
			}
		}
		if err := missing.Evict(ctx, e.client.CoreV1().Pods(m.Namespace), m.pod); err != nil {
			faults = append(faults, fmt.Errorf("pod %s/%s was not evicted: %w", m.Namespace, m.Pod, err))
			if errors.Is(err, missing.ErrNotInjected) {
				break // the injector has gone away meanwhile
			}
			continue
		}
		fmt.Fprintf(e.out, "evicted %s/%s\n", m.Namespace, m.Pod)
	}
	return errors.Join(faults...)
}

// announce says what would become of each pod, and returns those that can be evicted.
func (e evictions) announce(ctx context.Context, found []missed) (chosen []missed) {
	for _, m := range found {
		if err := missing.Prove(ctx, e.client.CoreV1().Pods(m.Namespace), m.pod); err != nil {
			fmt.Fprintf(e.say, "leave %s/%s: %s\n", m.Namespace, m.Pod, printable(err.Error()))
			continue
		}
		fmt.Fprintf(e.say, "evict %s/%s: %s/%s makes a new one, which is injected\n", m.Namespace, m.Pod, m.Owner.Kind, m.Owner.Name)
		chosen = append(chosen, m)
	}
	return chosen
}

// ask asks a person; where there is none it is an error.
func (e evictions) ask(question string) (bool, error) {
	if file, ok := e.in.(*os.File); ok && !term.IsTerminal(int(file.Fd())) {
		return false, hinted{errors.New("nobody is there to ask"), "outrigger missed --evict -y"}
	}
	fmt.Fprintf(e.say, "%s [y/N] ", question)
	answer, err := bufio.NewReader(e.in).ReadString('\n')
	if err != nil && err != io.EOF {
		return false, err
	}
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes", nil
}

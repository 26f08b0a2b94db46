package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// request asks the agent in the same pod for something, and prints its answer.
func (p program) request(ctx context.Context, args []string) error {
	f := p.flags("request")
	port := f.Uint16("debug-port", 15000, "port to ask; the stand-in has no 15000, its status port is 15020")
	if err := parse(f, args, "METHOD PATH", 2); err != nil {
		return err
	}
	url := fmt.Sprintf("http://localhost:%d/%s", *port, strings.TrimPrefix(f.Arg(1), "/"))
	req, err := http.NewRequestWithContext(ctx, f.Arg(0), url, nil)
	if err != nil {
		return err
	}
	client := &http.Client{Timeout: time.Minute}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s %s: status %d, wanted 200: %s", f.Arg(0), url, resp.StatusCode, strings.TrimSpace(string(body)))
	}
	fmt.Fprintln(p.stdout, strings.TrimSpace(string(body)))
	return nil
}

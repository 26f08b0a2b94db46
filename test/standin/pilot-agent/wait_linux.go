package main

import (
	"context"
	"fmt"
	"net/http"
	"time"
)

// wait asks for a URL until the answer is 200. It is the hook that keeps an
// application from starting before its proxy.
func (p program) wait(ctx context.Context, args []string) error {
	f := p.flags("wait")
	timeout := f.Int("timeoutSeconds", 60, "seconds to wait in all")
	each := f.Int("requestTimeoutMillis", 500, "milliseconds to wait for an answer")
	period := f.Int("periodMillis", 500, "milliseconds between requests")
	url := f.String("url", "http://localhost:15021/healthz/ready", "URL to ask for")
	if err := parse(f, args, "none", 0); err != nil {
		return err
	}
	for name, n := range map[string]int{"timeoutSeconds": *timeout, "requestTimeoutMillis": *each, "periodMillis": *period} {
		if n <= 0 {
			return usageError{fmt.Errorf("wait: --%s: %d, wanted more than 0", name, n)}
		}
	}
	ctx, cancel := context.WithTimeout(ctx, time.Duration(*timeout)*time.Second)
	defer cancel()
	client := &http.Client{Timeout: time.Duration(*each) * time.Millisecond}
	ticker := time.NewTicker(time.Duration(*period) * time.Millisecond)
	defer ticker.Stop()
	var last error
	for {
		err := ready(ctx, client, *url)
		if err == nil {
			return nil
		}
		if last == nil || ctx.Err() == nil { // That the time is up says less than what was before.
			last = err
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return fmt.Errorf("%s: not ready in %d seconds: %w", *url, *timeout, last)
		}
	}
}

func ready(ctx context.Context, client *http.Client, url string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := client.Do(req)
	if err != nil {
		return err
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("status %d, wanted 200", resp.StatusCode)
	}
	return nil
}

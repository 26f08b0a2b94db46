package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"time"
)

// A getting is how a URL is asked for.
type getting struct {
	url    string
	client *http.Client
	quiet  bool
	out    io.Writer
}

// get asks for a URL, on a new connection each time. Its status is 1 if an answer
// was none, or not a good one.
func (p program) get(ctx context.Context, args []string) error {
	f := p.flags("get")
	timeout := f.Duration("timeout", 10*time.Second, "how long one answer may take")
	retry := f.Duration("retry", 0, "how long to try until there is a good answer")
	every := f.Duration("every", 0, "ask again and again, this long after each answer")
	count := f.Int("count", 0, "with --every, how often; 0 is until told to stop")
	quiet := f.BoolP("quiet", "q", false, "print no answers")
	if err := parse(f, args, "URL", 1); err != nil {
		return err
	}
	g := getting{url: f.Arg(0), quiet: *quiet, out: p.stdout, client: &http.Client{
		Timeout: *timeout,
		Transport: &http.Transport{
			DisableKeepAlives: true,
			TLSClientConfig:   &tls.Config{InsecureSkipVerify: true}, //nolint:gosec
		},
	}}
	if *every > 0 {
		return g.loop(ctx, *every, *count)
	}
	return g.until(ctx, *retry)
}

// until asks until the answer is good, at least once.
func (g getting) until(ctx context.Context, retry time.Duration) error {
	deadline := time.Now().Add(retry)
	for {
		err := g.once(ctx)
		if err == nil || time.Now().After(deadline) || pause(ctx, 100*time.Millisecond) != nil {
			return err
		}
	}
}

// loop asks again and again, and says at the end how it went.
func (g getting) loop(ctx context.Context, every time.Duration, count int) error {
	good, bad := 0, 0
	for ctx.Err() == nil && (count == 0 || good+bad < count) {
		if err := g.once(context.WithoutCancel(ctx)); err != nil {
			bad++
			fmt.Fprintln(g.out, err)
		} else {
			good++
		}
		pause(ctx, every)
	}
	fmt.Fprintf(g.out, "%d good, %d bad\n", good, bad)
	if bad > 0 {
		return status(1)
	}
	return nil
}

func (g getting) once(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, g.url, nil)
	if err != nil {
		return err
	}
	resp, err := g.client.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return fmt.Errorf("%s: answer broke off after %d bytes: %w", g.url, len(body), err)
	}
	if !g.quiet {
		g.out.Write(body)
	}
	if resp.StatusCode >= 400 {
		return fmt.Errorf("%s: status %d", g.url, resp.StatusCode)
	}
	return nil
}

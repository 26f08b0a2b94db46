package main

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"

	"outrigger.dev/outrigger/test/bench"
)

// alike is how many pods a workload has.
const alike = 50

// A sender sends reviews of pods in labelled namespaces. Each is another pod.
type sender struct {
	url       string
	scale     scale
	client    *http.Client
	recording bench.Recording
	// sent and workloads are how many so far.
	sent, workloads int
}

func newSender(url string, s scale) (*sender, error) {
	recording, err := bench.Record("deployment-1")
	if err != nil {
		return nil, err
	}
	return &sender{
		url: url + "/inject?timeout=10s", scale: s, recording: recording,
		client: &http.Client{Transport: &http.Transport{
			// Whom it talks to is no question here.
			TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
			MaxIdleConnsPerHost: s.clients,
		}},
	}, nil
}

// send sends so many, and wants each pod to be injected.
func (s *sender) send(ctx context.Context, pods int, unalike bool) error {
	sent, workloads := s.sent, s.workloads
	of := func(n int) int { return workloads + n/alike }
	if unalike {
		of = func(n int) int { return workloads + n }
	}
	s.sent, s.workloads = sent+pods, of(pods-1)+1
	return eachOf(ctx, pods, s.scale.clients, func(n int) error { return s.review(ctx, sent+n, of(n)) })
}

// review sends the review of a pod of a workload.
func (s *sender) review(ctx context.Context, pod, workload int) error {
	body := s.recording.Body()
	s.recording.Vary(body, uint64(workload), true)
	s.recording.Vary(body, uint64(pod), false)
	labelled := max(s.scale.namespaces/tenth, 1)
	namespace := fmt.Sprintf(`"namespace":%q`, namespaceName(workload%labelled*tenth))
	body = bytes.ReplaceAll(body, []byte(`"namespace":"shop"`), []byte(namespace))

	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := s.client.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	text, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	if reply.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(`"decision":"inject"`)) {
		return fmt.Errorf("the reply is %s %.500s, want a pod that is injected", reply.Status, text)
	}
	return nil
}

package e2ereal_test

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// client asks on a new connection each time, so that connections can be counted.
var client = http.Client{
	Timeout: 30 * time.Second,
	Transport: &http.Transport{
		DisableKeepAlives: true,
		// The application's certificate is nobody's.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true},
	},
}

// at is the URL of something that a pod answers.
func at(pod *corev1.Pod, port int, path string) string {
	return "http://" + net.JoinHostPort(pod.Status.PodIP, strconv.Itoa(port)) + path
}

// send sends a request from this machine, and returns the answer if it is a good one.
func send(ctx context.Context, method, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, method, url, nil)
	if err != nil {
		return "", err
	}
	response, err := client.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s %s: status %d: %s", method, url, response.StatusCode, body)
	}
	return string(body), err
}

// get asks for a URL from this machine. The answer must be a good one.
func get(t *testing.T, url string) string {
	t.Helper()
	body, err := send(within(t), http.MethodGet, url)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

// post tells an application something, from this machine.
func post(t *testing.T, url string) {
	t.Helper()
	if _, err := send(within(t), http.MethodPost, url); err != nil {
		t.Fatal(err)
	}
}

// fetch asks for a URL from the application in a pod, which is itself asked at port 8080. The
// answer must be a good one.
func fetch(t *testing.T, pod *corev1.Pod, what string) string {
	t.Helper()
	return get(t, at(pod, 8080, "/fetch?url="+url.QueryEscape(what)))
}

var connectionsLine = regexp.MustCompile(`(?m)^standin_connections_total\{direction="(\w+)",port="(\d+)"\} (\d+)$`)

// connections are those that went through a pod's sidecar so far, as "inbound 8080": 3, by
// the port that they were going to.
func connections(t *testing.T, pod *corev1.Pod) map[string]int {
	t.Helper()
	counted := map[string]int{}
	for _, match := range connectionsLine.FindAllStringSubmatch(get(t, at(pod, 15090, "/stats/prometheus")), -1) {
		n, err := strconv.Atoi(match[3])
		if err != nil {
			t.Fatal(err)
		}
		counted[match[1]+" "+match[2]] = n
	}
	return counted
}

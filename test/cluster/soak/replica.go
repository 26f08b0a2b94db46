package soak

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"

	"outrigger.dev/outrigger/test/cluster/outrigger"
)

// once is for requests each of which is the last on its connection.
var once = &http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Timeout: 10 * time.Second}

// wantMetric wants a metric of a replica, without labels, to be as it should.
func wantMetric(ctx context.Context, pod *corev1.Pod, name string, so func(value string) bool) error {
	value, err := metric(ctx, pod, name)
	if err == nil && !so(value) {
		err = fmt.Errorf("pod %q: %s is %q", pod.Name, name, value)
	}
	return err
}

// metric is what a replica says of itself.
func metric(ctx context.Context, pod *corev1.Pod, name string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+net.JoinHostPort(pod.Status.PodIP, "8080")+"/metrics", nil)
	if err != nil {
		return "", err
	}
	response, err := once.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), name+" "); ok {
			return value, nil
		}
	}
	return "", fmt.Errorf("pod %q: no metric %s", pod.Name, name)
}

// leaf is the certificate that a replica serves.
func leaf(ctx context.Context, pod *corev1.Pod) (*x509.Certificate, error) {
	// Whether it is trusted is for the API server to say, which is what a run is about.
	dialer := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}}
	conn, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(pod.Status.PodIP, "9443"))
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}

// watchLeaves counts the certificates that are served. It is done when two replicas have shown
// several.
func (r *run) watchLeaves(ctx context.Context, done func()) error {
	seen := map[string]bool{}
	for ; ctx.Err() == nil; wait(ctx, time.Second) {
		pods, err := r.replicas(ctx)
		if err != nil {
			continue // another second, then
		}
		for _, pod := range pods {
			served, err := leaf(ctx, &pod)
			if err != nil || seen[served.SerialNumber.String()] {
				continue // it starts, or ends, or was counted
			}
			seen[served.SerialNumber.String()] = true
			r.report.note(Leaf)
			if len(seen) == 10 {
				done()
			}
		}
	}
	return nil
}

// killReplicas kills the process of each replica, as often as it takes for the API server to
// have had its connections with the one that dies. It is done then.
func (r *run) killReplicas(ctx context.Context, done func()) error {
	for range 2 * kills {
		wait(ctx, 3*time.Second)
		pods, err := r.replicas(ctx)
		if err != nil {
			return err
		}
		if len(pods) == 0 {
			return errors.New("no replica to kill")
		}
		victim := pods[r.report.Happened(Kill)%len(pods)]
		if err := r.kill(ctx, &victim); err != nil {
			return err
		}
		r.report.note(Kill)
	}
	done()
	return nil
}

// kills is how often each replica is killed. The kubelet waits longer each time until it
// starts one again.
const kills = 2

// kill ends a replica's process without asking, and returns when it is ready again.
func (r *run) kill(ctx context.Context, pod *corev1.Pod) error {
	before := pod.Status.ContainerStatuses[0]
	pid, err := processOf(before.ContainerID)
	if err != nil {
		return fmt.Errorf("pod %q: %w", pod.Name, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return err
	}
	err = eventually(ctx, func(ctx context.Context) error {
		pods, err := r.replicas(ctx)
		if err != nil {
			return err
		}
		for _, now := range pods {
			if now.Name == pod.Name && now.Status.ContainerStatuses[0].RestartCount > before.RestartCount && ready(&now) {
				return nil
			}
		}
		return fmt.Errorf("pod %q: not started again", pod.Name)
	})
	return errors.Join(err, r.awaitReplicas(ctx))
}

// processOf finds the process of a container in the kernel's books: it is in a cgroup that is
// named after it.
func processOf(containerID string) (int, error) {
	_, id, _ := strings.Cut(containerID, "://")
	files, err := filepath.Glob("/proc/[0-9]*/cgroup")
	if err != nil || id == "" {
		return 0, fmt.Errorf("container %q: no id (%v)", containerID, err)
	}
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil && strings.Contains(string(text), id) {
			return strconv.Atoi(filepath.Base(filepath.Dir(file)))
		}
	}
	return 0, fmt.Errorf("container %q: no process", id)
}

// poke has the kubelet look at what a pod mounts, which it otherwise does within a minute or two.
func (r *run) poke(ctx context.Context, pod *corev1.Pod) error {
	_, err := r.cluster.Kubectl(ctx, "annotate", "pod", pod.Name, "--namespace", outrigger.Namespace, "--overwrite",
		"soak.outrigger.dev/poked="+strconv.FormatInt(time.Now().UnixNano(), 10))
	return err
}

package e2ereal_test

import (
	"fmt"
	"strings"
	"testing"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Jobs that end well and badly, one that comes every minute, and a pod that does not give up.
const jobs = `
apiVersion: batch/v1
kind: Job
metadata: {name: good}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: app, image: APP, args: [get, "http://PEER:8080/"]}]
---
apiVersion: batch/v1
kind: Job
metadata: {name: bad}
spec:
  backoffLimit: 0
  template:
    spec:
      restartPolicy: Never
      containers: [{name: app, image: APP, args: [exit, "7"]}]
---
apiVersion: batch/v1
kind: CronJob
metadata: {name: often}
spec:
  schedule: "* * * * *"
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers: [{name: app, image: APP, args: [get, "http://PEER:8080/"]}]
---
apiVersion: v1
kind: Pod
metadata: {name: again}
spec:
  restartPolicy: OnFailure
  containers: [{name: app, image: APP, args: [exit, "3"]}]
`

// A sidecar does not keep a Job from ending, and the end is the application's.
func TestJobsEndAsTheirApplicationDoes(t *testing.T) {
	t.Parallel()
	s := newSpace(t)
	s.apply(t, strings.ReplaceAll(jobs, "PEER", s.peer(t)))
	t.Run("completed", func(t *testing.T) {
		s.wantJob(t, s.awaitJob(t, "good"), batchv1.JobComplete, corev1.PodSucceeded, 0)
	})
	t.Run("failed", func(t *testing.T) {
		s.wantJob(t, s.awaitJob(t, "bad"), batchv1.JobFailed, corev1.PodFailed, 7)
	})
	t.Run("restarted", func(t *testing.T) {
		pod := s.await(t, "again", func(pod *corev1.Pod) error {
			if app := status(pod, "app"); app == nil || app.RestartCount == 0 {
				return fmt.Errorf("app: was not restarted")
			}
			return nil
		})
		app, proxy := status(pod, "app"), status(pod, "istio-proxy")
		if last := app.LastTerminationState.Terminated; last == nil || last.ExitCode != 3 {
			t.Errorf("app: %v, want it to have ended with 3", last)
		}
		if proxy.RestartCount != 0 || proxy.State.Running == nil {
			t.Errorf("istio-proxy: %d restarts, state %v, want it to run since the beginning", proxy.RestartCount, proxy.State)
		}
	})
	t.Run("scheduled", func(t *testing.T) {
		s.wantJob(t, s.awaitScheduled(t, "often"), batchv1.JobComplete, corev1.PodSucceeded, 0)
	})
}

// awaitJob returns a Job once it has ended, one way or the other.
func (s space) awaitJob(t *testing.T, name string) *batchv1.Job {
	t.Helper()
	var job *batchv1.Job
	eventually(t, func() (err error) {
		if job, err = real(t).Client().BatchV1().Jobs(s.name).Get(within(t), name, metav1.GetOptions{}); err != nil {
			return err
		}
		if ending(job) == "" {
			return fmt.Errorf("job %q: has not ended: %d pods active", name, job.Status.Active)
		}
		return nil
	})
	return job
}

// awaitScheduled returns the first Job of a CronJob once it has ended.
func (s space) awaitScheduled(t *testing.T, name string) *batchv1.Job {
	t.Helper()
	first := ""
	eventually(t, func() error {
		jobs, err := real(t).Client().BatchV1().Jobs(s.name).List(within(t), metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, job := range jobs.Items {
			if owner := metav1.GetControllerOf(&job); owner != nil && owner.Name == name {
				first = job.Name
				return nil
			}
		}
		return fmt.Errorf("cronjob %q: has no job yet", name)
	})
	return s.awaitJob(t, first)
}

// ending is the condition that says how a Job has ended, or "".
func ending(job *batchv1.Job) batchv1.JobConditionType {
	for _, condition := range job.Status.Conditions {
		ends := condition.Type == batchv1.JobComplete || condition.Type == batchv1.JobFailed
		if ends && condition.Status == corev1.ConditionTrue {
			return condition.Type
		}
	}
	return ""
}

// wantJob wants a Job to have ended like this, and its only pod, which had a native sidecar,
// to have ended with its application.
func (s space) wantJob(t *testing.T, job *batchv1.Job, want batchv1.JobConditionType, phase corev1.PodPhase, code int32) {
	t.Helper()
	if got := ending(job); got != want {
		t.Errorf("job: %s, want %s", got, want)
	}
	pods, err := real(t).Client().CoreV1().Pods(s.name).List(within(t), metav1.ListOptions{LabelSelector: "job-name=" + job.Name})
	if err != nil {
		t.Fatal(err)
	}
	if len(pods.Items) != 1 {
		t.Fatalf("%d pods, want 1", len(pods.Items))
	}
	pod := &pods.Items[0]
	if pod.Status.Phase != phase {
		t.Errorf("pod: phase %s, want %s", pod.Status.Phase, phase)
	}
	if proxy := status(pod, "istio-proxy"); proxy == nil || proxy.State.Terminated == nil {
		t.Errorf("istio-proxy: %v, want it to have run and ended", proxy)
	}
	wantEnded(t, pod, "app", code)
	wantRestarts(t, pod, nil)
}

package main

import (
	"context"
	"fmt"
	"log"
	"strconv"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// patience is how long pods may take to be there.
	patience = 15 * time.Minute
	again    = 2 * time.Second
)

// fill makes the namespaces, the Deployments and, by the controllers, their pods.
func (s scale) fill(ctx context.Context, config *rest.Config) error {
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	deployments := s.pods / s.replicas
	for n := range s.namespaces {
		if _, err := client.CoreV1().Namespaces().Create(ctx, namespace(n), metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	for n := range deployments {
		d := deployment(n, s.replicas)
		if _, err := client.AppsV1().Deployments(fmt.Sprintf("team-%05d", n%s.namespaces)).Create(ctx, d, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	if err := s.await(ctx, client, deployments*s.replicas); err != nil {
		return err
	}
	for n := 1; n < s.namespaces; n += 10 {
		_, err := client.CoreV1().Namespaces().Patch(ctx, fmt.Sprintf("team-%05d", n), types.MergePatchType,
			[]byte(`{"metadata":{"labels":{"istio-injection":"enabled"}}}`), metav1.PatchOptions{})
		if err != nil {
			return err
		}
	}
	return settle(ctx, client)
}

// await waits until there are so many pods.
func (s scale) await(ctx context.Context, client kubernetes.Interface, want int) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		have := 0
		deployments, err := client.AppsV1().Deployments("").List(ctx, metav1.ListOptions{})
		if err != nil {
			return err
		}
		for _, d := range deployments.Items {
			have += int(d.Status.Replicas)
		}
		if have >= want {
			return nil
		}
		log.Printf("%d of %d pods", have, want)
		select {
		case <-ctx.Done():
			return fmt.Errorf("%d of %d pods: %w", have, want, ctx.Err())
		case <-time.After(again):
		}
	}
}

// calm is how many writes in a time of [again] a cluster at rest has: those of leases.
const calm = 10

// settle waits until next to nothing is written any more: who looks at a cluster seldom does
// so while all of its pods are being made. The version of a list counts every write.
func settle(ctx context.Context, client kubernetes.Interface) error {
	var before int64
	quiet := 0
	err := wait.PollUntilContextTimeout(ctx, again, patience, true, func(ctx context.Context) (bool, error) {
		list, err := client.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
		if err != nil {
			return false, err
		}
		now, err := strconv.ParseInt(list.ResourceVersion, 10, 64)
		quiet++
		if now-before > calm {
			quiet = 0
		}
		before = now
		return quiet == 5, err
	})
	if err != nil {
		return fmt.Errorf("the cluster does not come to rest: %w", err)
	}
	return nil
}

// namespace is a team's: every second one is labelled.
func namespace(n int) *corev1.Namespace {
	labels := map[string]string{"example.com/team": fmt.Sprint("team-", n)}
	if n%2 == 0 {
		labels["istio-injection"] = "enabled"
	}
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("team-%05d", n), Labels: labels}}
}

// deployment is one of a service: probes, variables, volumes.
func deployment(n, replicas int) *appsv1.Deployment {
	labels := map[string]string{"app": fmt.Sprint("app-", n), "version": "v1"}
	var env []corev1.EnvVar
	for i := range 20 {
		env = append(env, corev1.EnvVar{Name: fmt.Sprint("SETTING_", i), Value: fmt.Sprintf("https://service-%d.example.com/%d", i, n)})
	}
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/ready", Port: intstr.FromInt32(8080)}}}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprint("app-", n), Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(replicas)), Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					Containers: []corev1.Container{{
						Name: "app", Image: fmt.Sprint("registry.example.com/app:", n), Env: env, ReadinessProbe: probe, LivenessProbe: probe,
						Ports:     []corev1.ContainerPort{{ContainerPort: 8080}},
						Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("100m")}},
						VolumeMounts: []corev1.VolumeMount{
							{Name: "data", MountPath: "/data"},
						},
					}},
					Volumes: []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}}},
				},
			},
		},
	}
}

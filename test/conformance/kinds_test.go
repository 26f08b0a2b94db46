package conformance_test

import (
	appsv1 "k8s.io/api/apps/v1"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// templateMetas are the metadata of a workload and of its templates.
func templateMetas(obj any) []*metav1.ObjectMeta {
	switch obj := obj.(type) {
	case *appsv1.Deployment:
		return []*metav1.ObjectMeta{&obj.ObjectMeta, &obj.Spec.Template.ObjectMeta}
	case *appsv1.DaemonSet:
		return []*metav1.ObjectMeta{&obj.ObjectMeta, &obj.Spec.Template.ObjectMeta}
	case *appsv1.StatefulSet:
		return []*metav1.ObjectMeta{&obj.ObjectMeta, &obj.Spec.Template.ObjectMeta}
	case *appsv1.ReplicaSet:
		return []*metav1.ObjectMeta{&obj.ObjectMeta, &obj.Spec.Template.ObjectMeta}
	case *corev1.ReplicationController:
		return []*metav1.ObjectMeta{&obj.ObjectMeta, &obj.Spec.Template.ObjectMeta}
	case *batchv1.Job:
		return []*metav1.ObjectMeta{&obj.ObjectMeta, &obj.Spec.Template.ObjectMeta}
	case *batchv1.CronJob:
		return []*metav1.ObjectMeta{
			&obj.ObjectMeta, &obj.Spec.JobTemplate.ObjectMeta, &obj.Spec.JobTemplate.Spec.Template.ObjectMeta,
		}
	}
	return nil
}

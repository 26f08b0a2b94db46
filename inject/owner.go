package inject

import (
	"regexp"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// cronJobRun is the name of a Job that a CronJob made: its own and the minute
// of the run.
var cronJobRun = regexp.MustCompile(`^(.+)-\d{8,10}$`)

// OwnerOf finds the workload that a pod belongs to from what the pod carries
// (GetDeployMetaFromPod in Istio's pkg/kube/util.go); the first row that
// matches counts:
//
//	controller of the pod    and                               is the workload
//	none, or no generateName                                   the pod; without a name of its own,
//	                                                           by its generateName
//	ReplicaSet               label rollouts-pod-template-hash  Rollout, name without the hash
//	ReplicaSet               name ends in pod-template-hash    Deployment, name without the hash
//	ReplicationController    label deploymentconfig            DeploymentConfig of that name
//	Job                      name ends in -<8 to 10 digits>    CronJob, name without them
//	any other                                                  the controller
func OwnerOf(pod *corev1.Pod) Owner {
	owner := Owner{APIVersion: "v1", Kind: "Pod", Name: pod.Name, Namespace: pod.Namespace}
	if owner.Name == "" {
		owner.Name = strings.TrimRight(pod.GenerateName, "-.")
	}
	ref := metav1.GetControllerOfNoCopy(pod)
	if ref == nil || pod.GenerateName == "" {
		return owner
	}
	owner.APIVersion, owner.Kind, owner.Name = ref.APIVersion, ref.Kind, ref.Name
	switch ref.Kind {
	case "ReplicaSet":
		ofReplicaSet(&owner, pod)
	case "ReplicationController":
		if name := pod.Labels["deploymentconfig"]; name != "" {
			owner.Kind, owner.Name = "DeploymentConfig", name
		}
	case "Job":
		if run := cronJobRun.FindStringSubmatch(ref.Name); run != nil {
			owner.APIVersion, owner.Kind, owner.Name = "batch/v1", "CronJob", run[1]
		}
	}
	return owner
}

func ofReplicaSet(owner *Owner, pod *corev1.Pod) {
	if hash := pod.Labels["rollouts-pod-template-hash"]; hash != "" && strings.HasSuffix(owner.Name, hash) {
		owner.APIVersion, owner.Kind = "v1alpha1", "Rollout"
		owner.Name = strings.TrimSuffix(owner.Name, "-"+hash)
		return
	}
	if hash := pod.Labels["pod-template-hash"]; hash != "" && strings.HasSuffix(owner.Name, hash) {
		owner.Kind = "Deployment"
		owner.Name = strings.TrimSuffix(owner.Name, "-"+hash)
	}
}

package dryrun

import (
	"context"
	"errors"
	"strings"
	"sync"

	celtypes "github.com/google/cel-go/common/types"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/plugin/cel"
	"k8s.io/apiserver/pkg/admission/plugin/webhook/matchconditions"
	celconfig "k8s.io/apiserver/pkg/apis/cel"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/cel/environment"
)

// compiler is the API server's own, made when the first condition is: it takes a
// tenth of a second and some megabytes.
var compiler = sync.OnceValue(func() cel.ConditionCompiler {
	return cel.NewConditionCompiler(environment.MustBaseEnvSet(environment.DefaultCompatibilityVersion()))
})

// maxCompiled is how many compiled expressions are kept: a cluster has some dozens.
const maxCompiled = 256

// conditions evaluates match conditions as the API server does. The zero value is
// ready; safe for concurrent use.
type conditions struct {
	mu       sync.Mutex
	compiled map[string]cel.ConditionEvaluator
}

// compile is an expression ready to be evaluated, from memory where it is known.
func (c *conditions) compile(expression string) cel.ConditionEvaluator {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ready, ok := c.compiled[expression]; ok {
		return ready
	}
	made := compiler().CompileCondition(
		[]cel.ExpressionAccessor{&matchconditions.MatchCondition{Name: "condition", Expression: expression}},
		cel.OptionalVariableDeclarations{HasAuthorizer: true}, environment.StoredExpressions)
	if c.compiled == nil || len(c.compiled) >= maxCompiled {
		c.compiled = map[string]cel.ConditionEvaluator{}
	}
	c.compiled[expression] = made
	return made
}

// errNoUser is why a condition about the user has no answer.
var errNoUser = errors.New("cannot be told, counts as true: it asks what the user may do, and a dry run knows no user")

// evaluate says whether a condition holds for a request. An error but [errNoUser]
// is one that the API server would meet, too.
func (c *conditions) evaluate(ctx context.Context, condition admissionv1.MatchCondition, request *admission.VersionedAttributes) (holds bool, err error) {
	asked := cel.CreateAdmissionRequest(request.Attributes, metav1.GroupVersionResource(request.GetResource()), metav1.GroupVersionKind(request.VersionedKind))
	results, _, err := c.compile(condition.Expression).ForInput(ctx, request, asked, cel.OptionalVariableBindings{}, nil, celconfig.RuntimeCELCostBudgetMatchConditions)
	if err != nil {
		return false, err
	}
	if results[0].Error != nil && strings.Contains(condition.Expression, "authorizer") {
		return true, errNoUser
	}
	if results[0].Error != nil {
		return false, results[0].Error
	}
	return results[0].EvalResult == celtypes.True, nil
}

// creation is the request that creates a pod, as an entry of a configuration sees it.
func creation(pod *corev1.Pod, namespace string) *admission.VersionedAttributes {
	kind, resource := corev1.SchemeGroupVersion.WithKind("Pod"), corev1.SchemeGroupVersion.WithResource("pods")
	attributes := admission.NewAttributesRecord(pod, nil, kind, namespace, pod.Name, resource, "",
		admission.Create, &metav1.CreateOptions{}, false, &user.DefaultInfo{})
	return &admission.VersionedAttributes{Attributes: attributes, VersionedObject: admission.NewLazyObject(pod), VersionedKind: kind}
}

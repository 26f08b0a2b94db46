package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/labels"
	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/manifest"
)

// defaultRevision is the revision of an installation that was given none.
const defaultRevision = "default"

const injectHelp = `Add sidecars to the pods in manifests, without a cluster.

  %s inject -f app.yaml | kubectl apply -f -

The output is what the webhook would make of each pod. Documents keep their
order; one that is not injected comes out as it went in, comments included. Why
a workload was skipped is said on standard error.

Without --config, --values or --mesh-config the default profile's apply; a file
given replaces that one whole.

Exit status: 0, also where workloads were skipped; 1 if a document is broken or
its pod is denied, and then nothing is printed; 64 for a wrong command line.`

// injectFlags are what "outrigger inject" is told.
type injectFlags struct {
	configuration
	files      []string
	namespaces string
	native     choice
	revision   string
	platform   choice
	compliance string
	output     choice
}

// newInject is the verb that injects manifests.
func newInject(program string) *cobra.Command {
	flags := injectFlags{
		native:   choice{value: "auto", of: []string{"auto", "true", "false"}},
		platform: choice{of: []string{"openshift"}},
		output:   outputChoice(),
	}
	cmd := &cobra.Command{
		Use:   "inject -f FILE",
		Short: "Add sidecars to the pods in manifests, without a cluster",
		Long:  fmt.Sprintf(injectHelp, program),
		Args:  filesOnly(&flags.files),
		RunE:  func(cmd *cobra.Command, _ []string) error { return flags.run(cmd) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	addFiles(f, &flags.files, &flags.output)
	flags.configuration.addTo(f)
	f.StringVar(&flags.namespaces, "namespace-file", "", "`file` with the Namespaces of the workloads; without it each counts as enabled")
	f.Var(&flags.native, "native-sidecars", "auto, true or false: sidecars as init containers that keep running; auto means true")
	f.StringVar(&flags.revision, "revision", defaultRevision, "`name` of the revision to inject for")
	f.Var(&flags.platform, "platform", "openshift, where user ids come from the namespace")
	f.StringVar(&flags.compliance, "compliance-policy", "", "`policy` that the proxy has to keep, such as fips-140-3")
	return cmd
}

// run reads, injects and prints. Nothing is printed before everything is known
// to be right.
func (f *injectFlags) run(cmd *cobra.Command) error {
	injector, err := f.injector(cmd)
	if err != nil {
		return err
	}
	job := injection{injector: injector, revision: f.revision, stderr: cmd.ErrOrStderr()}
	if f.namespaces != "" {
		if job.namespaces, err = readNamespaces(f.namespaces); err != nil {
			return err
		}
	}
	job.each = job.workload
	return job.run(cmd, f.files, f.output.value)
}

// run takes every document through and prints the outcome.
func (j *injection) run(cmd *cobra.Command, names []string, output string) error {
	files, err := readFiles(names, cmd.InOrStdin())
	if err != nil {
		return err
	}
	for _, file := range files {
		for _, d := range manifest.Read(file.name, file.content) {
			j.document(d)
		}
	}
	if err := errors.Join(j.errs...); err != nil {
		return err
	}
	return outputs[output](cmd.OutOrStdout(), j.done)
}

// injector is made from the flags.
func (f *injectFlags) injector(cmd *cobra.Command) (*inject.Injector, error) {
	sources, err := f.sources()
	if err != nil {
		return nil, err
	}
	settings := inject.Settings{Revision: f.revision, Env: map[string]string{}}
	if cmd.Flags().Changed("native-sidecars") {
		settings.Env["ENABLE_NATIVE_SIDECARS"] = f.native.value
	}
	if f.platform.value != "" {
		settings.Env["PLATFORM"] = f.platform.value
	}
	if f.compliance != "" {
		settings.Env["COMPLIANCE_POLICY"] = f.compliance
	}
	injector, err := inject.New(sources, settings)
	if err != nil {
		return nil, inEach("configuration", err)
	}
	return injector, nil
}

// An injection is one run over all documents.
type injection struct {
	injector   *inject.Injector
	revision   string
	namespaces map[string]inject.Namespace // nil: nothing is known of any
	stderr     io.Writer
	// each makes the patch for one workload; the operations are on its pod.
	each func(inject.Workload) ([]inject.Operation, error)
	done []injected
	errs []error
}

// injected is a document and the patch that injects it; empty where nothing
// changes.
type injected struct {
	manifest.Document
	patch []inject.Operation
}

func (j *injection) fail(err error) {
	if err != nil {
		j.errs = append(j.errs, err)
	}
}

// say prints one line on standard error.
func (j *injection) say(format string, args ...any) {
	fmt.Fprintln(j.stderr, printable(fmt.Sprintf(format, args...)))
}

// document injects every workload of a document.
func (j *injection) document(d manifest.Document) {
	done := injected{Document: d}
	defer func() { j.done = append(j.done, done) }()
	if d.JSON == nil {
		j.fail(d.Err)
		return
	}
	if d.Warning != "" {
		j.say("warning: %s: %s", d.Where(), d.Warning)
	}
	workloads, err := inject.ReadWorkloads(d.JSON)
	if err != nil {
		j.fail(fmt.Errorf("%s: line %d: %w", d.Where(), d.Line, err))
	}
	for _, w := range workloads {
		ops, err := j.each(w)
		if err != nil {
			j.fail(fmt.Errorf("%s: %s: %w", d.Where(), w, err))
		}
		done.patch = append(done.patch, w.Prefixed(ops)...)
	}
}

// workload injects one workload; the operations are on its pod.
func (j *injection) workload(w inject.Workload) ([]inject.Operation, error) {
	request := inject.Request{
		Pod:       w.Pod,
		Namespace: j.namespace(w.Namespace),
		Native:    inject.Native{Supported: true, Why: "there is no cluster to ask"}.Everywhere,
		Owner:     w.Owner(),
	}
	result, err := j.injector.Inject(request)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", inject.Fault, err)
	}
	for _, warning := range result.Warnings {
		j.say("warning: %s: %s", w, warning)
	}
	decision := result.Decision
	if decision.Verdict == inject.Deny {
		return nil, fmt.Errorf("%s: %s", decision.Reason, decision.Sentence)
	}
	if decision.Verdict == inject.Skip {
		j.say("skipped %s: %s: %s", w, decision.Reason, decision.Sentence)
	}
	if decision.Verdict == inject.Inject || decision.Reason == inject.NamespaceNotEnabled {
		j.fail(j.noteCall(w, request.Namespace))
	}
	return result.Patch, nil
}

// namespace is what is known of a namespace. Without --namespace-file the pod
// counts as called for; with it, a namespace that is not there has no labels.
func (j *injection) namespace(name string) inject.Namespace {
	if ns, ok := j.namespaces[name]; ok {
		return ns
	}
	return inject.Namespace{Name: name, Unknown: j.namespaces == nil}
}

// noteCall says so where the API server would not have called.
func (j *injection) noteCall(w inject.Workload, ns inject.Namespace) error {
	if ns.Unknown {
		return nil
	}
	var pod struct {
		Metadata struct{ Labels labels.Set }
	}
	if err := json.Unmarshal(w.Pod, &pod); err != nil {
		return fmt.Errorf("%s: %w", w, err)
	}
	why, err := notCalled(ns, pod.Metadata.Labels, cmp.Or(j.revision, defaultRevision))
	if why != "" {
		j.say("note: %s: the API server would not call the webhook: %s", w, why)
	}
	return err
}

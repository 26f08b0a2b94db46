package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"

	"outrigger.dev/outrigger/internal/dryrun"
	"outrigger.dev/outrigger/internal/lifecycle"
)

const explainHelp = `Say whether pods get a sidecar, and why: every rule that was looked at, what the
pods would look like, and who set what.

  %[1]s explain deploy/web -n shop     of a cluster, as the next pod would be
  %[1]s explain pod web-7d9c-x2x4k     what happened to it, and whether a new one would differ
  %[1]s explain deploy -A --table      all Deployments there are, a line for each
  %[1]s explain -f app.yaml            before there is a pod

With a kubeconfig the configuration, the webhook configurations and namespaces are
those of its cluster; without one, and with --offline, those of the default profile.

Exit status: 0 if all pods get a sidecar, 3 if one is skipped, 4 if one is refused;
1 for an error, 64 for a wrong command line.`

// explainTime bounds a run: a cluster that does not answer says nothing.
const explainTime = 30 * time.Second

// explainFlags are what "outrigger explain" is told.
type explainFlags struct {
	files      []string
	offline    offlineFlags
	kube       kubeFlags
	system     string
	namespaces string
	labels     []string
	revision   string
	native     choice
	version    string
	path       string
	all        bool
	selector   string
	output     choice
	table      bool
}

// newExplain is the verb that says why.
func newExplain(program string) *cobra.Command {
	flags := explainFlags{
		native: choice{of: []string{"auto", "true", "false"}},
		output: choice{value: "text", of: []string{"text", "json", "yaml"}},
	}
	cmd := &cobra.Command{
		Use:   "explain (KIND NAME | KIND/NAME | KIND | -f FILE)",
		Short: "Say whether pods get a sidecar, and why",
		Long:  fmt.Sprintf(explainHelp, program),
		Args:  flags.arguments,
		RunE:  func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.StringArrayVarP(&flags.files, "filename", "f", nil, "manifests: a `file`, a folder, or - for standard input; may be repeated")
	f.VarP(&flags.output, "output", "o", "text, json or yaml")
	f.BoolVar(&flags.table, "table", false, "a line for each pod")
	f.StringArrayVar(&flags.labels, "label", nil, "`key=value` that the namespace has, in place of its labels; may be repeated: what if it had")
	f.StringVar(&flags.namespaces, "namespace-file", "", "`file` with Namespaces, in place of the cluster's")
	f.StringVar(&flags.revision, "revision", "", "`name` of the revision to explain for (default default)")
	f.Var(&flags.native, "native-sidecars", "auto, true or false, in place of what the cluster says")
	f.StringVar(&flags.version, "kubernetes-version", "", "`version` that nodes run, in place of the cluster's")
	f.StringVar(&flags.path, "path", "", "`path` of the webhook, like /inject/cluster/c1")
	f.BoolVarP(&flags.all, "all-namespaces", "A", false, "all of KIND, in all namespaces")
	f.StringVarP(&flags.selector, "selector", "l", "", "those of KIND with labels like `app=shop,tier!=test`")
	flags.kube = addKubeOf(f, "`namespace` of what names none")
	f.StringVar(&flags.system, "system-namespace", lifecycle.DefaultNamespace, "`namespace` that Outrigger is installed in")
	flags.offline.add(f)
	return cmd
}

// arguments wants either files, or something in a cluster.
func (f *explainFlags) arguments(cmd *cobra.Command, args []string) error {
	asked, err := askedOf(args)
	several := f.all || f.selector != ""
	switch {
	case len(args) == 0 && several:
		return usageError{hinted{errors.New("-A and -l: choose among the objects of a kind, want one"), cmd.CommandPath() + " deploy -A --table"}}
	case len(args) == 0 && len(f.files) == 0:
		return usageError{hinted{errors.New("nothing to explain"), cmd.CommandPath() + " deploy/NAME, pod NAME, or -f FILE"}}
	case len(args) > 0 && len(f.files) > 0:
		return usageError{hinted{fmt.Errorf("%q and -f: want one of the two", args[0]), cmd.CommandPath() + " --help"}}
	case len(args) > 0 && err != nil:
		return usageError{hinted{err, cmd.CommandPath() + " deploy/NAME"}}
	case asked.name != "" && several:
		return usageError{fmt.Errorf("%q is one object: want neither -A nor -l", strings.Join(args, " "))}
	case f.all && *f.kube.Namespace != "":
		return usageError{errors.New("-A and -n: want one of the two")}
	case len(args) > 0 && f.offline.offline:
		return usageError{fmt.Errorf("--offline: %q is in a cluster, want -f FILE", strings.Join(args, " "))}
	}
	return nil
}

func (f *explainFlags) run(cmd *cobra.Command, args []string) error {
	ctx, cancel := context.WithTimeout(cmd.Context(), explainTime)
	defer cancel()
	by, err := f.basis(ctx, cmd)
	if err != nil {
		return err
	}
	question, err := f.question()
	if err != nil {
		return err
	}
	var happened *history
	if len(args) > 0 {
		asked, _ := askedOf(args) // looked at by arguments
		asked.all, asked.selector = f.all, f.selector
		if question.Manifest, happened, err = by.find(ctx, asked); err != nil {
			return err
		}
		question.Namespace.Name = cmp.Or(question.Namespace.Name, by.namespace)
	} else if question.Manifest, err = f.manifest(cmd.InOrStdin()); err != nil {
		return err
	}
	answer, err := by.runner.Answer(ctx, question)
	if err != nil {
		return errors.Join(linesOf(err)...)
	}
	if err := f.print(cmd.OutOrStdout(), answer, happened); err != nil {
		return err
	}
	return statusOf(answer)
}

// question is what the flags ask, without the manifest.
func (f *explainFlags) question() (dryrun.Question, error) {
	q := dryrun.Question{
		Revision: f.revision, NativeSidecars: f.native.value, KubernetesVersion: f.version, Path: f.path,
		Namespace: dryrun.AskedNamespace{Name: *f.kube.Namespace},
	}
	for _, label := range f.labels {
		key, value, ok := strings.Cut(label, "=")
		if !ok {
			return q, usageError{fmt.Errorf("--label %q: want KEY=VALUE", label)}
		}
		if q.Namespace.Labels == nil {
			q.Namespace.Labels = map[string]string{}
		}
		q.Namespace.Labels[key] = value
	}
	if err := q.Check(); err != nil {
		return q, usageError{err}
	}
	return q, nil
}

// manifest is all files, one after the other, and the Namespaces of their own.
func (f *explainFlags) manifest(stdin io.Reader) (string, error) {
	names := f.files
	if f.namespaces != "" {
		names = append(names[:len(names):len(names)], f.namespaces)
	}
	files, err := readFiles(names, stdin)
	if err != nil {
		return "", err
	}
	texts := make([]string, len(files))
	for i, file := range files {
		texts[i] = strings.TrimSuffix(string(file.content), "\n") + "\n"
	}
	return strings.Join(texts, "---\n"), nil
}

// print writes an answer, and for a pod that there is what happened to it.
func (f *explainFlags) print(w io.Writer, answer *dryrun.Answer, happened *history) error {
	var text []byte
	var err error
	switch {
	case f.table:
		text = []byte(answer.Table())
	case f.output.value == "json":
		text, err = json.MarshalIndent(explained{answer, happened}, "", "  ")
		text = append(text, '\n')
	case f.output.value == "yaml":
		text, err = yaml.Marshal(explained{answer, happened})
	default:
		text = []byte(answer.Text())
		if colored(w) {
			text = []byte(colorText(string(text)))
		}
		text = append(text, happened.text()...)
	}
	if err == nil {
		_, err = w.Write(text)
	}
	return err
}

// explained is an answer, and what happened.
type explained struct {
	*dryrun.Answer
	History *history `json:"history,omitempty"`
}

// statusOf is the exit status that an answer comes to: that of its worst pod.
func statusOf(answer *dryrun.Answer) error {
	worst := exitOK
	for _, pod := range answer.Pods {
		switch pod.Outcome.Verdict {
		case "skip":
			worst = max(worst, exitSkipped)
		case "deny":
			worst = max(worst, exitDenied)
		case "fault":
			return fmt.Errorf("%s: %s", pod.Manifest, pod.Fault)
		}
	}
	if worst == exitOK {
		return nil
	}
	return statusError{status: worst}
}

// linesOf takes the faults of a question apart.
func linesOf(err error) []error {
	var faults *dryrun.Faults
	if !errors.As(err, &faults) {
		return []error{err}
	}
	var out []error
	for _, fault := range faults.Errors {
		out = append(out, errors.New(fault.String()))
	}
	return out
}

// colorText paints the diffs in an answer's text, and what its outcomes are.
func colorText(text string) string {
	head, diff, found := strings.Cut(text, "\n--- ")
	if !found {
		return head
	}
	return head + color("\n--- "+diff)
}

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"outrigger.dev/outrigger/inject"
	"outrigger.dev/outrigger/internal/analyze"
	"outrigger.dev/outrigger/internal/dryrun"
	"outrigger.dev/outrigger/internal/lifecycle"
)

const analyzeHelp = `Find what is wrong with injection, and the command that mends it.

  %[1]s analyze                            in the namespace of the context
  %[1]s analyze -A                         in all of them
  %[1]s analyze app.yaml manifests/        and in these files, as if they were applied
  %[1]s analyze --use-kube=false app.yaml  in files alone, without a cluster

It decides as the webhook does, by the webhook configurations, the configurations and the
nodes that there are. Without a cluster these are the default profile's, or those of the
files that --config, --values and --mesh-config name.

A finding has a code that stays, a severity, the object, what is wrong, and what to do.
--suppress silences some: --suppress "OUT0406=Deployment shop/*". What you may not read is
noted, and nothing is said about it.

Exit status: 79 if there are findings at or above --failure-threshold; 1 for an error, as
a file that cannot be read; 64 for a wrong command line.`

// analyzeTime bounds a run.
const analyzeTime = 5 * time.Minute

// analyzeFlags are what "outrigger analyze" is told.
type analyzeFlags struct {
	cluster           kubeFlags
	system            string
	all, kube         bool
	recursive, list   bool
	configuration     configuration
	output, threshold choice
	suppress          []string
}

// newAnalyze is the verb that finds what is wrong.
func newAnalyze(program string) *cobra.Command {
	flags := analyzeFlags{
		output:    choice{of: []string{"log", "json", "yaml", "sarif"}},
		threshold: choice{value: string(analyze.Error), of: []string{"error", "warning", "info"}},
	}
	cmd := &cobra.Command{
		Use:   "analyze [FILE | FOLDER]...",
		Short: "Find what is wrong with injection, and the command that mends it",
		Long:  fmt.Sprintf(analyzeHelp, program),
		RunE:  func(cmd *cobra.Command, args []string) error { return flags.run(cmd, args) },
	}
	f := cmd.Flags()
	f.SortFlags = false
	f.BoolVarP(&flags.all, "all-namespaces", "A", false, "look at all namespaces")
	f.BoolVar(&flags.kube, "use-kube", true, "look at the cluster; without it at files alone")
	f.BoolVarP(&flags.recursive, "recursive", "R", false, "read folders in folders, too")
	f.VarP(&flags.output, "output", "o", "log (a line for each), json, yaml or sarif; on a terminal a list without it")
	f.Var(&flags.threshold, "failure-threshold", "error, warning or info: from which on the exit status is 79")
	f.StringArrayVar(&flags.suppress, "suppress", nil, "`CODE=Kind namespace/name` of which nothing is said, with * for any text; may be repeated")
	f.BoolVarP(&flags.list, "list-analyzers", "L", false, "list what may be found, and do nothing else")
	f.StringVar(&flags.system, "system-namespace", lifecycle.DefaultNamespace, "`namespace` that Outrigger is installed in")
	flags.configuration.addTo(f)
	flags.cluster = addKubeOf(f, "`namespace` to look at; that of the context without it")
	return cmd
}

// run looks, and prints what it found.
func (f *analyzeFlags) run(cmd *cobra.Command, args []string) error {
	if f.list {
		return printAnalyzers(cmd.OutOrStdout())
	}
	suppressed, err := f.check(cmd, args)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), analyzeTime)
	defer cancel()
	scene, files, unread, err := f.scene(ctx, cmd, args)
	if err != nil {
		return err
	}
	sayUnseen(cmd.ErrOrStderr(), scene.Unseen)
	findings, err := scene.Analyze(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	report := newAnalysis(ctx, scene, findings, suppressed, files)
	if err := f.print(cmd, report); err != nil {
		return err
	}
	if err := errors.Join(unread, err); err != nil {
		return err
	}
	if report.reaches(analyze.Severity(f.threshold.value)) {
		return statusError{status: exitFindings}
	}
	return nil
}

// check refuses what contradicts itself, and reads what is suppressed.
func (f *analyzeFlags) check(cmd *cobra.Command, args []string) ([]analyze.Suppression, error) {
	switch {
	case f.all && *f.cluster.Namespace != "":
		return nil, usageError{errors.New("-A and -n: want one of the two")}
	case !f.kube && len(args) == 0:
		return nil, usageError{hinted{errors.New("--use-kube=false: nothing to look at"), cmd.CommandPath() + " --use-kube=false FILE"}}
	}
	var all []analyze.Suppression
	for _, text := range f.suppress {
		s, err := analyze.ParseSuppression(text)
		if err != nil {
			return nil, usageError{fmt.Errorf("--suppress %w", err)}
		}
		all = append(all, s)
	}
	return all, nil
}

// scene is the cluster, or what there is without one, with the files laid over it, of which
// it says how many there are. Of those that cannot be read there is unread.
func (f *analyzeFlags) scene(ctx context.Context, cmd *cobra.Command, args []string) (scene *analyze.Scene, files int, unread, err error) {
	var objects []analyze.Object
	if !f.kube {
		objects, files, unread = f.read(args, cmp.Or(*f.cluster.Namespace, inject.DefaultNamespace), cmd.InOrStdin())
		if scene, err = offlineScene(&f.configuration); err != nil {
			return nil, 0, nil, err
		}
		scene.Objects = objects
		return scene, files, unread, nil
	}
	l, namespace, err := f.cluster.lookout(f.system)
	if err != nil {
		if errors.Is(err, errNoCluster) {
			err = hinted{err, cmd.CommandPath() + " --use-kube=false FILE"}
		}
		return nil, 0, nil, err
	}
	objects, files, unread = f.read(args, namespace, cmd.InOrStdin())
	var also []string
	for _, o := range objects {
		if o.Namespace != "" {
			also = append(also, o.Namespace)
		}
	}
	if f.all {
		namespace = ""
	}
	progress, clear := readingProgress(cmd.ErrOrStderr())
	defer clear()
	l.configuration = f.configuration
	if scene, err = l.scene(ctx, namespace, also, progress); err != nil {
		return nil, 0, nil, err
	}
	scene.Objects = append(scene.Objects, objects...)
	return scene, files, unread, nil
}

// offlineScene is what there is without a cluster: the chart's webhooks, and a
// configuration.
func offlineScene(by *configuration) (*analyze.Scene, error) {
	in, err := by.injector()
	if err != nil {
		return nil, err
	}
	scene := &analyze.Scene{
		Injectors: []*inject.Injector{in}, Native: inject.Native{Supported: true, Why: "there is no cluster to ask"}.Everywhere,
		Webhooks: dryrun.Configurations{From: "chart", Revision: defaultRevision},
	}
	chart, err := dryrun.ChartWebhooks(defaultRevision)
	scene.Webhooks.List = append(scene.Webhooks.List, chart)
	return scene, err
}

// read reads the objects of files. It says how many files there are; the error has all that
// cannot be read.
func (f *analyzeFlags) read(names []string, namespace string, stdin io.Reader) (objects []analyze.Object, count int, err error) {
	var errs []error
	for _, name := range names {
		all := []string{name}
		if f.recursive && name != "-" {
			if all, err = manifestsBelow(name); err != nil {
				errs = append(errs, err)
				continue
			}
		}
		files, err := readFiles(all, stdin)
		if err != nil {
			errs = append(errs, err)
		}
		for _, file := range files {
			count++
			found, err := analyze.ReadFile(file.name, file.content, namespace)
			if err != nil {
				errs = append(errs, err)
			}
			objects = append(objects, found...)
		}
	}
	return objects, count, flat(errs)
}

// flat joins errors, those that are joined already one by one.
func flat(errs []error) error {
	var all []error
	for _, err := range errs {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			all = append(all, joined.Unwrap()...)
			continue
		}
		all = append(all, err)
	}
	return errors.Join(all...)
}

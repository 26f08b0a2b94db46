package main

import (
	"context"
	"io"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// A suite is one run of "go test" over some packages of one module, or another
// command that has to succeed before the suites after it make sense.
type suite struct {
	name string
	// about is what the suite proves, for the list that -h prints.
	about string
	// dir is the module's folder, from the repository's root.
	dir string
	// packages are patterns for "go list"; without are import paths that the
	// patterns match and that belong to another suite.
	packages []string
	without  []string
	// flags go to "go test".
	flags []string
	// command is run in place of "go test", its output shown as it comes.
	command []string
	// fuzz is how long each fuzz target runs; 0 means that only its corpus does,
	// as a test like any other.
	fuzz time.Duration
	// live prints each test as it ends: for suites of few, slow tests.
	live bool
	// named is for what runs only when it is asked for by its name.
	named bool
}

// suites is every suite, in the order in which they run: what fails fastest first.
var suites = []suite{
	{
		name: "unit", about: "every package of the product, and the checks that span packages",
		dir: ".", packages: []string{"./..."}, without: []string{"/test/conformance"},
	},
	{
		name: "tools", about: "the programs that check and run the repository",
		dir: "tools", packages: []string{"./..."},
	},
	{
		name: "conformance", about: "Istio's injection cases, offline and as the webhook",
		dir: ".", packages: []string{"./test/conformance/..."}, live: true,
	},
	{
		name: "chart", about: "what single values of the chart do, by helm-unittest",
		dir: "test/unittest", packages: []string{"./..."},
	},
	{
		name: "binaries", about: "etcd, Kubernetes, kwok and cert-manager, built once into the cache",
		dir: "test/controlplane", command: []string{"go", "run", "./cmd/controlplane", "build", "../certmanager"},
	},
	{
		name: "standin", about: "the stand-in for Istio's proxy image that tests on real pods use",
		dir: "test/standin", packages: []string{"./..."}, live: true,
	},
	{
		name: "controlplane", about: "the control plane that the end-to-end tests run on",
		dir: "test/controlplane", packages: []string{"./..."}, live: true,
	},
	{
		name: "e2e", about: "Outrigger on a real API server",
		dir: "test/e2e", packages: []string{"./..."}, flags: []string{"-timeout=45m", "-count=1"}, live: true,
	},
	{
		name: "ui", about: "the dry run's page in a real browser, where there is one",
		dir: "test/ui", packages: []string{"./..."}, flags: []string{"-timeout=45m", "-count=1"}, live: true,
	},
	{
		name: "node", about: "kubelet and kube-proxy, built once into the cache, where a node can be",
		dir: "test/cluster", command: []string{"go", "run", "./cmd/cluster", "build"},
	},
	{
		name: "cluster", about: "the cluster with a real node that pods run in",
		dir: "test/cluster", packages: []string{"./..."}, without: []string{"/e2ereal"},
		flags: []string{"-timeout=20m", "-count=1", "-p=1"}, live: true,
	},
	{
		name: "e2ereal", about: "Outrigger on pods that run",
		dir: "test/cluster", packages: []string{"./e2ereal/..."}, flags: []string{"-timeout=40m", "-count=1"}, live: true,
	},
	{
		name: "demo", about: "what \"make demo\" and \"make demo-real\" do, twice",
		dir: "test/demo", packages: []string{"./..."}, flags: []string{"-timeout=30m"}, live: true,
	},
	{
		name: "matrix", about: "the laws, the exclusions and the install on another Kubernetes, which OUTRIGGER_TEST_KUBERNETES names",
		dir: "test/e2e", packages: []string{".", "./chart"}, flags: []string{"-timeout=45m", "-count=1", "-run=" + strings.Join(everywhere, "|")},
		live: true, named: true,
	},
	{
		name: "fuzz", about: "a minute of each fuzz target of the product",
		dir: ".", packages: []string{"./..."}, fuzz: time.Minute, live: true,
	},
}

// everywhere are the tests that hold on every version of Kubernetes: others create pods with
// fields that not each of them knows.
var everywhere = []string{
	"TestDeploymentGetsItsSidecar", "TestPodsElsewhereAreUntouched", "TestEveryCellOfTheDecisionTables",
	"TestDecisionsReachUserAndAuditLog", "TestDenialHasItsStatus", "TestSystemNamespacesAreNotAskedAbout",
	"TestExclusionsAreTheServersRules", "TestDeadWebhookBlocksOnlyWhatIsInjected", "TestNamespacesByDefault",
	"TestNeighbours", "TestPodWithoutMetadata", "TestPodsOfOddShapesAreInjected", "TestDryRunIsTheTruth",
	"TestExportedPodsComeBackTheSame", "TestPodMovesToAnotherRevision", "TestServerStartsWithoutComplaint",
	"TestReplicasThatStartTogetherAgree", "TestWipedBundleIsWrittenAgain", "TestConfigurationChanges",
	"TestProfiles", "TestLifeOfARelease", "TestGoldensAreTakenAsTheyAre", "TestRightsAreThoseThatAreUsed",
	"TestSessions", "TestPrecheckFindsWhatIsInTheWay", "TestPolicyAgreesWithDecide", "TestPolicyNamesTheCure", "TestPolicyWarnsAndAudits",
}

// run runs the suite under root and tells rep what happens. The error is about
// running it at all: a failed test is in the returned tally.
func (s suite) run(ctx context.Context, root string, rep *report) (tally, error) {
	start := time.Now()
	rep.begin(s)
	var t tally
	var err error
	if s.command != nil {
		err = s.start(ctx, root, rep.out, s.command)
	} else {
		t, err = s.test(ctx, root, rep)
	}
	t.took = time.Since(start)
	return t, err
}

// test runs "go test" and counts from its events. Its exit status adds nothing
// to them unless no event says what went wrong.
func (s suite) test(ctx context.Context, root string, rep *report) (tally, error) {
	packages, err := s.list(ctx, root)
	if err != nil {
		return tally{}, err
	}
	if s.fuzz == 0 {
		return s.count(ctx, root, rep, append(s.flags, packages...))
	}
	return s.fuzzAll(ctx, root, rep, packages)
}

// count runs "go test" once.
func (s suite) count(ctx context.Context, root string, rep *report, args []string) (tally, error) {
	events, w := io.Pipe()
	counted := make(chan tally)
	go func() { counted <- count(events, rep, s.live) }()
	err := s.start(ctx, root, w, append([]string{"go", "test", "-json"}, args...))
	w.Close()
	t := <-counted
	if t.failed > 0 {
		err = nil
	}
	return t, err
}

// list returns the import paths that the suite's patterns match.
func (s suite) list(ctx context.Context, root string) ([]string, error) {
	var out strings.Builder
	if err := s.start(ctx, root, &out, append([]string{"go", "list"}, s.packages...)); err != nil {
		return nil, err
	}
	var packages []string
	for _, p := range strings.Fields(out.String()) {
		if !s.leavesOut(p) {
			packages = append(packages, p)
		}
	}
	return packages, nil
}

func (s suite) leavesOut(path string) bool {
	for _, w := range s.without {
		if strings.HasSuffix(path, w) || strings.Contains(path, w+"/") {
			return true
		}
	}
	return false
}

// start runs a command in the suite's folder and waits for it. When ctx ends the
// command is interrupted, as by a person, and killed half a minute later: a test
// that started a control plane has that long to stop it.
func (s suite) start(ctx context.Context, root string, stdout io.Writer, args []string) error {
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Dir = root + "/" + s.dir
	cmd.Stdout, cmd.Stderr = stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 30 * time.Second
	return cmd.Run()
}

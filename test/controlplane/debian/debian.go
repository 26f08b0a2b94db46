// Package debian installs what a test needs of a machine and Debian has.
package debian

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// Need is what a machine lacks.
type Need struct {
	// What is a sentence about it, without a full stop.
	What string
	// Package is the Debian package that would bring it; "" is none.
	Package string
}

// String is the need as a person reads it.
func (n Need) String() string {
	if n.Package == "" {
		return n.What
	}
	return n.What + " (Debian: apt-get install " + n.Package + ")"
}

// Packages are the Debian packages that would bring what is missing, each once.
func Packages(needs []Need) []string {
	var packages []string
	for _, n := range needs {
		if n.Package != "" && !slices.Contains(packages, n.Package) {
			packages = append(packages, n.Package)
		}
	}
	return packages
}

// Install says what is missing and installs what a package would bring of it. What it
// runs is said on stdout; what apt-get says goes to stderr.
func Install(ctx context.Context, needs []Need, stdout, stderr io.Writer) error {
	for _, n := range needs {
		fmt.Fprintln(stdout, n)
	}
	packages := Packages(needs)
	all := strings.Join(packages, " ")
	if _, err := exec.LookPath("apt-get"); err != nil {
		return fmt.Errorf("this is not Debian (there is no apt-get): install what brings these by other means: %s", all)
	}
	if os.Geteuid() != 0 {
		return fmt.Errorf("this is not root, who alone may install: have root run apt-get install %s", all)
	}
	for _, args := range [][]string{
		{"update", "--quiet=2"},
		append([]string{"install", "--quiet", "--yes", "--no-install-recommends"}, packages...),
	} {
		fmt.Fprintf(stdout, "$ apt-get %s\n", strings.Join(args, " "))
		cmd := exec.CommandContext(ctx, "apt-get", args...)
		cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive")
		cmd.Stdout, cmd.Stderr = stderr, stderr
		if err := cmd.Run(); err != nil {
			return fmt.Errorf("apt-get %s: %w", args[0], err)
		}
	}
	return nil
}

// Inside the package: a claim is nobody else's to take.
package background

import (
	"fmt"
	"log"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"
)

// claimVariable makes this test's program hold a claim.
const claimVariable = "BACKGROUND_TEST_CLAIM"

func TestMain(m *testing.M) {
	if os.Getenv(claimVariable) != "" {
		hold(os.Args[1])
	}
	os.Exit(m.Run())
}

// TestClaimOutlivesGarbageCollection has a claim that only a deferred call refers to, like
// the one that Serve holds for days.
func TestClaimOutlivesGarbageCollection(t *testing.T) {
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], dir)
	cmd.Env = append(os.Environ(), claimVariable+"=1")
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	}()
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	process, ready, err := Look(dir)
	if process != cmd.Process.Pid || !ready || err != nil {
		t.Errorf("claim: process %d, ready %v, error %v, want process %d, ready", process, ready, err, cmd.Process.Pid)
	}
}

// hold claims dir, collects garbage, says so and waits to be killed.
func hold(dir string) {
	held, err := take(dir)
	if err != nil {
		log.Fatal(err)
	}
	defer held.drop()
	if err := held.ready(); err != nil {
		log.Fatal(err)
	}
	for range 3 { // once to find the file unused, once to run what closes it
		runtime.GC()
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("held")
	select {}
}

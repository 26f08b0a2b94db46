// Inside the package: the table is the program's whole interface.
package main

import (
	"strings"
	"testing"
)

// Two rounds and a half, the second on a machine that was busy.
var rounds = []string{`goos: linux
cpu: a fast one
BenchmarkSkip/pod=label/seen=first/by=floor         	   10	     30000 ns/op	         0 operations	  20 B/op	      50 allocs/op
BenchmarkSkip/pod=label/seen=first/by=floor-2       	   10	     16000 ns/op	         0 operations	  20 B/op	      50 allocs/op
BenchmarkSkip/pod=label/seen=first/by=outrigger     	   10	     45000 ns/op	         0 operations	  20 B/op	      60 allocs/op
BenchmarkSkip/pod=label/seen=first/by=outrigger-2   	   10	     24000 ns/op	         0 operations	  20 B/op	      60 allocs/op
BenchmarkCall/pod=label/by=nobody                   	   10	       190 ns/op	  20 B/op	       0 allocs/op
PASS
`, `goos: linux
cpu: a fast one
BenchmarkSkip/pod=label/seen=first/by=floor         	   10	   3000000 ns/op	         0 operations	  20 B/op	      50 allocs/op
BenchmarkSkip/pod=label/seen=first/by=floor-2       	   10	     16000 ns/op	         0 operations	  20 B/op	      50 allocs/op
BenchmarkSkip/pod=label/seen=first/by=outrigger     	   10	   4500000 ns/op	         0 operations	  20 B/op	      60 allocs/op
BenchmarkSkip/pod=label/seen=first/by=outrigger-2   	   10	     40000 ns/op	         0 operations	  20 B/op	      60 allocs/op
`, `BenchmarkSkip/pod=label/seen=first/by=floor         	   10	     32000 ns/op	         0 operations	  20 B/op	      50 allocs/op
BenchmarkSkip/pod=label/seen=first/by=floor-2       	   10	     16000 ns/op	         0 operations	  20 B/op	      50 allocs/op
BenchmarkSkip/pod=label/seen=first/by=outrigger     	   10	     40000 ns/op	         0 operations	  20 B/op	      60 allocs/op
BenchmarkSkip/pod=label/seen=first/by=outrigger-2   	   10	     20000 ns/op	         0 operations	  20 B/op	      60 allocs/op
`}

func TestTable(t *testing.T) {
	for name, tc := range map[string]struct {
		base   string
		faster bool
		want   string
	}{
		"times of the base": {base: "floor", want: `
skip            floor     time  × floor  floor (2 cores)  time (2 cores)  × floor  floor allocs  allocs  operations  patch bytes
label, first  32.0 µs  45.0 µs     1.50          16.0 µs         24.0 µs     1.50            50      60           0            0

call by nobody (label; cores: 1): 0.19 µs, 0 allocs
goos: linux, cpu: a fast one
`},
		"times faster than the base": {base: "outrigger", faster: true, want: `
skip          outrigger     time  outrigger ÷  outrigger (2 cores)  time (2 cores)  outrigger ÷  outrigger allocs  allocs  operations  patch bytes
label, first    45.0 µs  32.0 µs         1.50              24.0 µs         16.0 µs         1.50                60      50           0            0

call by nobody (label; cores: 1): 0.19 µs, 0 allocs
goos: linux, cpu: a fast one
`},
	} {
		t.Run(name, func(t *testing.T) {
			var all table
			for _, round := range rounds {
				if err := all.read(round); err != nil {
					t.Fatal(err)
				}
			}
			var got strings.Builder
			if err := all.print(&got, layout{base: tc.base, faster: tc.faster, unit: wallTime}); err != nil {
				t.Fatal(err)
			}
			if want := strings.TrimPrefix(tc.want, "\n"); got.String() != want {
				t.Errorf("got\n%s\nwant\n%s", got.String(), want)
			}
		})
	}
}

func TestNothingToCompare(t *testing.T) {
	var all table
	if err := all.read("PASS\n"); err != nil {
		t.Fatal(err)
	}
	if err := all.print(&strings.Builder{}, layout{base: "floor", unit: wallTime}); err == nil {
		t.Error("a table of nothing is printed")
	}
}

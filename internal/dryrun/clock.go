package dryrun

import "time"

// A clock times steps, one after the other. A step that is passed again adds up.
type clock struct {
	last  time.Time
	steps []Timing
}

func newClock() clock { return clock{last: time.Now()} }

// passed ends a step, and begins the next.
func (c *clock) passed(step string) {
	now := time.Now()
	took := now.Sub(c.last).Seconds()
	c.last = now
	for i := range c.steps {
		if c.steps[i].Step == step {
			c.steps[i].Seconds += took
			return
		}
	}
	c.steps = append(c.steps, Timing{Step: step, Seconds: took})
}

// take gives the steps so far, and starts anew.
func (c *clock) take() []Timing {
	steps := c.steps
	c.steps, c.last = nil, time.Now()
	return steps
}

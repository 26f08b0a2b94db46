package passthrough

import (
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

// A Meter counts the connections of a proxy, by direction and by the port that
// they were going to. Its metrics are what tests read.
type Meter struct {
	connections, failures, bytes *prometheus.CounterVec
	open                         *prometheus.GaugeVec
}

// NewMeter registers the counters:
//
//	standin_connections_total{direction,port}       connections that were redirected here
//	standin_connection_failures_total{direction,port}  those that could not be passed on
//	standin_connections_open{direction}             those that are open
//	standin_bytes_total{direction,port,way}         bytes to ("sent") and from ("received") their destination
func NewMeter(registry prometheus.Registerer) *Meter {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	}
	m := &Meter{
		connections: counter("standin_connections_total", "Connections that were redirected to the proxy.", "direction", "port"),
		failures:    counter("standin_connection_failures_total", "Connections that could not be passed on.", "direction", "port"),
		bytes:       counter("standin_bytes_total", "Bytes to (sent) and from (received) the destination.", "direction", "port", "way"),
		open: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "standin_connections_open", Help: "Connections that are open."}, []string{"direction"}),
	}
	registry.MustRegister(m.connections, m.failures, m.bytes, m.open)
	for _, direction := range []string{"inbound", "outbound"} {
		m.open.WithLabelValues(direction)
	}
	return m
}

type adder interface{ Add(float64) }

// counted is one connection's part of the meter.
type counted struct {
	sent, received adder
	fail           func()
	end            func()
}

func (m *Meter) connection(direction string, port uint16) counted {
	text := strconv.Itoa(int(port))
	m.connections.WithLabelValues(direction, text).Inc()
	open := m.open.WithLabelValues(direction)
	open.Inc()
	return counted{
		sent:     m.bytes.WithLabelValues(direction, text, "sent"),
		received: m.bytes.WithLabelValues(direction, text, "received"),
		fail:     m.failures.WithLabelValues(direction, text).Inc,
		end:      open.Dec,
	}
}

# The server's image: one static binary and nothing else. There is no shell to
# open and no package to patch; what can go stale is Go and our dependencies.
#
#   make image                           docker, podman or buildah, whichever is there
#   docker build -t outrigger-injector .

FROM golang:1.26 AS build
WORKDIR /src
# Modules first: this layer is made again only when they change.
COPY go.mod go.sum ./
RUN go mod download
COPY . .
# The same source gives the same binary on every machine: no cgo, no paths, no
# time. The version is all that is put in.
ARG VERSION=dev
RUN CGO_ENABLED=0 go build -trimpath -buildvcs=false \
    -ldflags="-s -w -X main.version=${VERSION}" \
    -o /outrigger-injector ./cmd/outrigger-injector

FROM scratch
COPY --from=build /outrigger-injector /outrigger-injector
# A number, so that Kubernetes can see that it is not root (runAsNonRoot).
USER 65532:65532
# Webhook, metrics, health.
EXPOSE 9443 8080 8081
ENTRYPOINT ["/outrigger-injector"]

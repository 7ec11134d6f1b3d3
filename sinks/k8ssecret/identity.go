package k8ssecret

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/credsync/credsync/schema"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
)

// serviceAccountDir is where a pod has its service account.
const serviceAccountDir = "/var/run/secrets/kubernetes.io/serviceaccount"

// machine is where credsync runs: what it says about clusters and identities.
type machine struct {
	getenv func(string) string
	// serviceAccount is the folder with a pod's token, ca.crt and namespace.
	serviceAccount string
}

// identity is a way to reach a cluster, and who one is there.
type identity struct {
	config *rest.Config
	// namespace is the usual one; "" where none is named.
	namespace string
	// name tells people where this identity comes from.
	name string
}

// identity finds out who to be. A kubeconfig that was asked for, by kubeconfig,
// KUBECONFIG or context, comes first, then the pod's service account, then
// ~/.kube/config.
func (m machine) identity(conn schema.Values) (identity, error) {
	switch {
	case conn.IsSet("kubeconfig"):
		return m.fromKubeconfig(conn, filepath.SplitList(conn.String("kubeconfig")))
	case !conn.IsSet("context") && m.inPod():
		return m.fromPod(), nil
	}
	home := m.getenv("HOME")
	if home == "" {
		return identity{}, errors.New("no kubeconfig is set, this is not a pod, and HOME is not set: set kubeconfig in the sink block, or KUBECONFIG")
	}
	return m.fromKubeconfig(
		conn,
		[]string{filepath.Join(home, clientcmd.RecommendedHomeDir, clientcmd.RecommendedFileName)},
	)
}

// namespace is the identity's usual one. The word "default" of kubectl is not
// assumed: a token should not get there by forgetting to say where.
func (m machine) namespace(conn schema.Values) (string, error) {
	id, err := m.identity(conn)
	if err != nil {
		return "", fmt.Errorf("it is not set, and no default was found: %w", err)
	}
	if id.namespace == "" {
		return "", fmt.Errorf("it is set neither in this block, nor in the sink block, nor in %s: set namespace", id.name)
	}
	return id.namespace, nil
}

func (m machine) inPod() bool {
	info, err := os.Stat(filepath.Join(m.serviceAccount, "token"))
	return err == nil && !info.IsDir() && m.getenv("KUBERNETES_SERVICE_HOST") != "" && m.getenv("KUBERNETES_SERVICE_PORT") != ""
}

// fromPod is what rest.InClusterConfig does. The token is read again as it
// changes.
func (m machine) fromPod() identity {
	namespace := m.getenv("POD_NAMESPACE")
	if namespace == "" {
		text, err := os.ReadFile(filepath.Join(m.serviceAccount, "namespace"))
		if err == nil {
			namespace = strings.TrimSpace(string(text))
		}
	}
	return identity{
		config: &rest.Config{
			Host:            "https://" + net.JoinHostPort(m.getenv("KUBERNETES_SERVICE_HOST"), m.getenv("KUBERNETES_SERVICE_PORT")),
			BearerTokenFile: filepath.Join(m.serviceAccount, "token"),
			TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(m.serviceAccount, "ca.crt")},
		},
		namespace: namespace, name: "the pod's service account",
	}
}

func (m machine) fromKubeconfig(conn schema.Values, files []string) (identity, error) {
	config, err := m.load(files)
	if err != nil {
		return identity{}, err
	}
	names := strings.Join(files, ", ")
	current := conn.String("context")
	if current == "" {
		current = config.CurrentContext
	}
	if current == "" {
		return identity{}, fmt.Errorf("the kubeconfig %s has no current context: set context in the sink block, or run \"kubectl config use-context\"", names)
	}
	context, ok := config.Contexts[current]
	if !ok {
		return identity{}, fmt.Errorf("the kubeconfig %s has no context %q; it has %s", names, current, strings.Join(slices.Sorted(maps.Keys(config.Contexts)), ", "))
	}
	made, err := clientcmd.NewNonInteractiveClientConfig(*config, current, &clientcmd.ConfigOverrides{}, nil).
		ClientConfig()
	if err != nil {
		// The error's text can quote an address that has a password in it.
		return identity{}, fmt.Errorf("the context %q of the kubeconfig %s is incomplete: check the context, its cluster and its user with \"kubectl config view\" and \"kubectl --context %s auth whoami\"", current, names, current)
	}
	return identity{config: made, namespace: context.Namespace, name: fmt.Sprintf("the context %q of the kubeconfig %s", current, names)}, nil
}

// load reads and merges kubeconfig files. Of several, as KUBECONFIG may name
// them, some may be missing, as for kubectl.
func (m machine) load(files []string) (*clientcmdapi.Config, error) {
	var found []string
	var missing error
	for _, file := range files {
		if below, ok := strings.CutPrefix(file, "~/"); ok {
			file = filepath.Join(m.getenv("HOME"), below)
		}
		if file == "" {
			continue
		}
		switch _, err := os.Stat(file); {
		case err == nil:
			found = append(found, file)
		case errors.Is(err, fs.ErrNotExist):
			missing = fmt.Errorf("read the kubeconfig: %w; set kubeconfig in the sink block, or KUBECONFIG, to one that exists", err)
		default:
			return nil, fmt.Errorf("read the kubeconfig: %w", err)
		}
	}
	if len(found) == 0 {
		if missing == nil {
			missing = errors.New("kubeconfig does not name a file")
		}
		return nil, missing
	}
	config, err := (&clientcmd.ClientConfigLoadingRules{Precedence: found}).Load()
	var path *fs.PathError
	if errors.As(err, &path) {
		return nil, fmt.Errorf("read the kubeconfig: %w", path)
	}
	if err != nil {
		// The parser's error can quote what it could not parse.
		return nil, fmt.Errorf("the kubeconfig %s cannot be parsed; check it with \"kubectl config view\"", strings.Join(found, ", "))
	}
	return config, nil
}

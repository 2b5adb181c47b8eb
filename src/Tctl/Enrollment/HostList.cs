using CertAuthority.Protocol;
using CertAuthority.Terminal;

namespace CertAuthority.Tctl;

/// <summary>
/// The file of hosts for <c>--from</c>: on each line the name of a node, where ssh logs in as root, and the node's labels:
/// <c>db1 root@db1.example.com:22 env=prod,type=db</c>. Empty lines and lines that begin with <c>#</c> are skipped.
/// </summary>
internal static class HostList
{
    private const string Form = "NODE [USER@]HOST[:PORT] [KEY=VALUE,…]";

    /// <summary>Reads the hosts.</summary>
    /// <param name="text">The content of the file.</param>
    /// <param name="name">The name of the file, for messages.</param>
    /// <param name="labels">Labels that every host gets; a host's own label of the same name takes precedence.</param>
    /// <returns>The hosts, and one message for each line that is wrong.</returns>
    public static (List<EnrollingHost> Hosts, List<string> Faults) Read(
        string text, string name, IReadOnlyDictionary<string, string> labels)
    {
        var (hosts, faults, seen) = (new List<EnrollingHost>(), new List<string>(), new Dictionary<string, int>(StringComparer.Ordinal));
        // Two enrollments of one machine at once would each put back what the other did.
        var machines = new Dictionary<string, int>(StringComparer.OrdinalIgnoreCase);
        foreach (var (index, line) in text.Split('\n').Index())
        {
            var words = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
            if (words is [] or [['#', ..], ..])
                continue;
            if (Fault(words) is { } fault)
                faults.Add($"{name}:{index + 1}: {fault}");
            else if (!seen.TryAdd(words[0], index + 1))
                faults.Add($"{name}:{index + 1}: {words[0]} is in line {seen[words[0]]} already");
            else if (!machines.TryAdd(Machine(words[1]), index + 1))
                faults.Add($"{name}:{index + 1}: {words[1]} is in line {machines[Machine(words[1])]} already, under another name");
            else
                hosts.Add(new EnrollingHost(words[0], At(words[1])!, Together(labels.Concat(Labels(words)))));
        }
        if (hosts.Count == 0 && faults.Count == 0)
            faults.Add($"{name} names no host: a line is {Form}");
        return (hosts, faults);
    }

    /// <summary>Whether a text is a label, <c>KEY=VALUE</c>.</summary>
    public static bool IsLabel(string text) => text.Split('=', 2) is [{ Length: > 0 }, _];

    /// <summary>Returns the name and the value of a label.</summary>
    public static KeyValuePair<string, string> Label(string text) =>
        text.Split('=', 2) is [var key, var value] ? KeyValuePair.Create(key, value) : KeyValuePair.Create(text, "");

    private static string? Fault(string[] words) => words switch
    {
        [_] or [_, _, _, _, ..] => $"a line is {Form}, not {Wording.Count(words.Length, "word")}",
        [var node, ..] when !PlainNames.IsNode(node) => $"'{node}' is not the name of a node",
        [_, var at, ..] when At(at) is null => $"'{at}' is not where ssh can log in: [USER@]HOST[:PORT]",
        [_, _, var labels] when Array.Find(ListOption.Split(labels), label => !IsLabel(label)) is { } odd =>
            $"'{odd}' is not a label: KEY=VALUE, such as env=prod",
        _ => null,
    };

    private static Dictionary<string, string> Together(IEnumerable<KeyValuePair<string, string>> labels) =>
        labels.GroupBy(label => label.Key).ToDictionary(same => same.Key, same => same.Last().Value);

    private static string Machine(string text) => At(text) is { } at ? $"{at.Host.TrimEnd('.')} {at.Port ?? 22}" : text;

    private static ServerAddress.Ssh? At(string text) => ServerAddress.TryParse($"ssh://{text}") as ServerAddress.Ssh;

    private static IEnumerable<KeyValuePair<string, string>> Labels(string[] words) =>
        words is [_, _, var labels] ? ListOption.Split(labels).Select(Label) : [];
}

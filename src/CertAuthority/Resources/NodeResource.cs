using System.Collections.Immutable;
using System.Text.Json.Nodes;
using CertAuthority.Access.Nodes;
using CertAuthority.Access.Values;
using CertAuthority.OpenSsh;
using CertAuthority.Protocol;

namespace CertAuthority.Resources;

/// <summary>
/// Converts <c>kind: node</c> between text and <see cref="Node"/>. The labels of a node are policy, so they count as part of its spec.
/// </summary>
internal static class NodeResource
{
    // The daemon writes the list every ten minutes, and the list needs some time to reach the host.
    private static readonly TimeSpan ShortestKrlMaxAge = TimeSpan.FromMinutes(15);
    private static readonly TimeSpan LongestKrlMaxAge = TimeSpan.FromDays(30);

    /// <summary>Reads what is below <c>kind</c> and <c>version</c>. The node has no ID and revision yet.</summary>
    public static Node Read(string version, FieldReader root)
    {
        if (version != "v2")
            root.Fault("version", "a node has version v2");
        var metadata = root.Map("metadata");
        var name = ResourceMetadata.Name(metadata, Names.IsNodeName, Names.NodeForm);
        var labels = metadata.TextMap("labels");
        // An agent's export expires with its next heartbeat; the node here is the host, which stays.
        metadata.Foreign("expires", "description");
        metadata.Done();
        var spec = root.Map("spec");
        var address = spec.Required("addr");
        if (NodeAddress.Parse(address).Holds(out var judged, out var fault))
            address = judged.ToString();
        else if (address.Length > 0)
            spec.Fault("addr", fault.Message);
        var age = spec.Duration("krl_max_age");
        if (age is { } given && (given < ShortestKrlMaxAge || given > LongestKrlMaxAge || given.Seconds != 0))
            spec.Fault(
                "krl_max_age",
                $"spec.krl_max_age takes whole minutes, from {Durations.Show(ShortestKrlMaxAge)} to {Durations.Show(LongestKrlMaxAge)}");
        var domain = spec.Text("login_domain");
        if (domain is not null && !Names.IsLoginDomain(domain))
            spec.Fault(
                "login_domain",
                $"\"{domain}\" is not a domain; write what stands behind the @ of accounts there, such as corp.example.com");
        var push = spec.Flag("push");
        var keepKeys = spec.Flag("keep_keys");
        var via = spec.Text("via");
        if (via is not null && !Names.IsNodeName(via))
            spec.Fault("via", $"\"{via}\" is not the name of a node; spec.via names the jump host through which this one is reached");
        var jump = spec.Flag("jump");
        var expires = spec.Instant("expires");
        if (jump && expires is not null)
            spec.Fault("expires", "a jump host has no end: no certificate through it could last longer, for all hosts behind it");
        var otherCas = spec.Texts("other_cas").Select(key => OtherCa(spec, key.Text, key.At)).ToImmutableArray();
        // Labels that a command set count with their exported values: without them, a deny of such a label would miss the node.
        var commands = spec.Map("cmd_labels");
        foreach (var (key, _) in commands.Entries)
        {
            var command = commands.Map(key.Text);
            labels = labels.SetItem(key.Text, command.Text("result") ?? "");
            command.Foreign("command", "period");
            command.Done();
        }
        spec.Foreign(
            "hostname", "use_tunnel", "proxy_ids", "public_addrs", "rotation", "version", "peer_addr", "cloud_metadata", "github",
            "component_features", "relay_group", "relay_ids");
        spec.Done();
        root.Foreign("sub_kind", "scope");
        root.Done();
        return new Node(Guid.Empty, name, 0, address, labels)
        {
            KrlMaxAge = age,
            LoginDomain = domain,
            Push = push,
            KeepKeys = keepKeys,
            Via = via,
            Jump = jump,
            Expires = expires,
            OtherCas = otherCas,
        };
    }

    // A line of it is copied to hosts unchanged: it must be a key without options, because sshd would silently reject an option there.
    private static string OtherCa(FieldReader spec, string line, ResourceNode at)
    {
        try
        {
            PublicKey.ParseOtherAuthority(line);
            if (!Names.IsPlainText(line))
                spec.Fault(at, "the comment of a key in spec.other_cas has control or invisible characters");
        }
        catch (SshFormatException malformed)
        {
            spec.Fault(at, $"spec.other_cas takes the public keys of CAs, a line each: ssh-ed25519 AAAA… comment; {malformed.Message}");
        }
        return string.Join(' ', line.Split(' ', 3, StringSplitOptions.RemoveEmptyEntries));
    }

    public static JsonObject Write(Node node)
    {
        var spec = new JsonObject { ["addr"] = node.Address };
        if (node.KrlMaxAge is { } age)
            spec["krl_max_age"] = Durations.Show(age);
        if (node.LoginDomain is { } domain)
            spec["login_domain"] = domain;
        if (node.Push)
            spec["push"] = true;
        if (node.KeepKeys)
            spec["keep_keys"] = true;
        if (node.Via is { } via)
            spec["via"] = via;
        if (node.Jump)
            spec["jump"] = true;
        if (node.Expires is { } end)
            spec["expires"] = Instants.Show(end);
        if (!node.OtherCas.IsEmpty)
            spec["other_cas"] = new JsonArray([.. node.OtherCas.Select(key => JsonValue.Create(key))]);
        return ResourceMetadata.Write(ResourceKinds.Node, "v2", node.Name, node.Revision, "", node.Labels, spec);
    }
}

using CertAuthority.Access.Nodes;
using CertAuthority.Resources;
using CertAuthority.Store;

namespace CertAuthority.Tests.Unit.Resources;

public class NodeResourceTests
{
    private const string OtherCas = "f:4:29: spec.other_cas takes the public keys of CAs, a line each: ssh-ed25519 AAAA… comment";
    private const string Head = "kind: node\nversion: v2\n";

    [Fact]
    public void A_node_is_read()
    {
        var node = Text.Node($"{Head}metadata: {{name: db1, labels: {{env: prod, yes: no, mode: 0777}}}}\nspec: {{addr: \"db1.example.com:22\"}}\n");
        Assert.Equal("db1 db1.example.com:22 env=prod;mode=0777;yes=no", Show(node));
        Assert.Equal("db1 a  push", Show(Text.Node($"{Head}metadata: {{name: db1}}\nspec: {{addr: a, push: true}}\n")));
    }

    [Theory]
    [InlineData("metadata: {name: db_1}\nspec: {addr: a}", "f:3:18: \"db_1\" is not a name; names have the form ^[a-z0-9][a-z0-9.-]{0,62}$")]
    [InlineData("metadata: {name: db@1}\nspec: {addr: a}", "f:3:18: \"db@1\" is not a name; names have the form ^[a-z0-9][a-z0-9.-]{0,62}$")]
    [InlineData("metadata: {name: db1}\nspec: {addr: -oProxyCommand=x}", "f:4:14: \"-oProxyCommand=x\" is not an address: write HOST or HOST:PORT; a host name consists of letters, digits, -, _ and ., and begins with a letter or a digit")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a b}", "f:4:14: \"a b\" is not an address: write HOST or HOST:PORT; a host name consists of letters, digits, -, _ and ., and begins with a letter or a digit")]
    [InlineData("metadata: {name: db1}\nspec: {addr: 'web1:ssh'}", "f:4:14: \"web1:ssh\" is not an address: the port \"ssh\" is not a number from 1 to 65535")]
    [InlineData("metadata: {name: db1}\nspec: {addr: ''}", "f:4:14: spec.addr is missing")]
    [InlineData("metadata: {name: db1}\nspec: {addr: }", "f:4:14: spec.addr is missing")]
    [InlineData("metadata: {name: db1}\nspec: {addr: [a]}", "f:4:14: spec.addr takes one value")]
    [InlineData("metadata: {name: db1}\nspec: {}", "f:4:7: spec.addr is missing")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, login_domain: '@corp'}", "f:4:31: \"@corp\" is not a domain; write what stands behind the @ of accounts there, such as corp.example.com")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, port: 22}", "f:4:17: spec has no field \"port\"")]
    [InlineData("metadata: {name: db1, labels: {env: [prod]}}\nspec: {addr: a}", "f:3:37: metadata.labels.env takes one value")]
    [InlineData("metadata: {name: db1, labels: {env: }}\nspec: {addr: a}", "f:3:37: metadata.labels.env takes one value")]
    [InlineData("metadata: {name: db1, labels: {env: null}}\nspec: {addr: a}", "f:3:37: metadata.labels.env takes one value")]
    [InlineData("metadata: {name: db1, labels: {env: \"a\\eb\"}}\nspec: {addr: a}", "f:3:37: metadata.labels takes plain text without control or invisible characters")]
    [InlineData("metadata: {name: db1, expires: never}\nspec: {addr: a}", "f:3:32: metadata.expires means nothing here; take it out, or have it dropped")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, other_cas: [ssh-ed25519]}", $"{OtherCas}; a key line is a type, a blank and the key in base64")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, other_cas: ['cert-authority ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA']}", $"{OtherCas}; options stand before the key")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, other_cas: ['ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAA']}", $"{OtherCas}; the length of pk needs 4 bytes, 3 are left (at byte 15)")]
    public void Invalid_value_is_rejected(string text, string told) => Assert.Equal([told], Text.NodeFaults($"{Head}{text}\n"));

    [Theory]
    [InlineData("15m", true)]
    [InlineData("90m", true)]
    [InlineData("30d", true)]
    [InlineData("14m", false)]
    [InlineData("15m1s", false)]
    [InlineData("30d1m", false)]
    [InlineData("0", false)]
    public void Maximum_list_age_is_given_in_whole_minutes(string age, bool read)
    {
        var text = $"{Head}metadata: {{name: db1}}\nspec: {{addr: a, krl_max_age: {age}}}\n";
        if (read)
            Assert.Equal(age, CertAuthority.Access.Values.Durations.Show(Text.Node(text).KrlMaxAge!.Value).Replace("1h30m", "90m", StringComparison.Ordinal));
        else
            Assert.Equal(["f:4:30: spec.krl_max_age takes whole minutes, from 15m to 30d"], Text.NodeFaults(text));
    }

    [Fact]
    public void A_node_has_version_v2() => Assert.Equal(["f:2:10: a node has version v2"], Text.NodeFaults("kind: node\nversion: v3\nmetadata: {name: db1}\nspec: {addr: a}\n"));

    [Theory]
    [InlineData("metadata: {name: db1}\nspec: {addr: db1}")]
    [InlineData("metadata: {name: 0.1, labels: {env: 'null', on: '~', q: '\"', e: ''}}\nspec: {addr: '[::1]:22'}")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, krl_max_age: 1d2h3m}")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, push: true}")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, push: false}")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, keep_keys: true}")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, via: bastion, jump: true}")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, login_domain: corp.example.com}")]
    [InlineData("metadata: {name: db1}\nspec: {addr: a, other_cas: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIM1kHOjGXDCyfRtdAWKVlCC8gDhTy0cYWZzZEzDOSeMj their CA']}")]
    public void Written_node_reads_back_as_the_same(string text)
    {
        var node = Text.Node($"{Head}{text}\n");
        var json = NodeResource.Write(node).ToJsonString();
        Assert.Equal(Show(node), Show(Text.Stored(NodeRow.Table, node)));
        Assert.Equal(Show(node), Show(Text.Node(json)));
    }

    [Theory]
    [InlineData("DB1.Example.com.:022", "db1.example.com:22")]
    [InlineData("[2001:DB8:0:0:0:0:0:1]", "[2001:db8::1]")]
    [InlineData("127.1:22", "127.0.0.1:22")]
    public void An_address_is_kept_in_the_form_that_ssh_compares(string written, string kept)
    {
        var node = Text.Node($"{Head}metadata: {{name: db1}}\nspec: {{addr: '{written}'}}\n");
        Assert.Equal(kept, node.Address);
        Assert.Contains($"\"addr\":\"{kept}\"", NodeResource.Write(node).ToJsonString(), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("2001:DB8::1", "[2001:db8::1]")]
    [InlineData("DB1.example.com", "db1.example.com")]
    [InlineData("web1:ssh", "web1:ssh")]
    [InlineData("[-F]", "[-F]")]
    public void A_stored_address_of_an_older_version_is_read(string stored, string read) =>
        Assert.Equal(read, NodeRow.Table.Read($"{{\"address\":\"{stored}\"}}", "web1").Address);

    private static string Show(Node node) => $"{node.Name} {node.Address} {string.Join(';', node.Labels.Select(label => $"{label.Key}={label.Value}"))}{node.KrlMaxAge:' 'd'.'hh':'mm}{(node.Push ? " push" : "")} {node.LoginDomain}{string.Concat(node.OtherCas)}".TrimEnd();

    // As tctl get nodes --format=json prints a server of Teleport's: its name is an id, and its hostname stands in the spec.
    private const string Exported =
        """[{"kind": "node", "sub_kind": "openssh", "version": "v2", "metadata": {"name": "6f7ac2c1-2d1b-4a08-9d3e-77f0bb9f5d10", "labels": {"env": "prod"}, "expires": "2026-11-28T10:10:00Z", "revision": "77b1", "description": ""}, "spec": {"addr": "192.0.2.7:22", "hostname": "db1", "cmd_labels": {"arch": {"period": "1h0m0s", "command": ["uname", "-m"], "result": "x86_64"}}, "rotation": {"current_id": "", "started": "0001-01-01T00:00:00Z"}, "use_tunnel": true, "proxy_ids": ["p1"], "version": "18.1.0"}}]""";

    [Fact]
    public void Exported_node_is_loaded_and_dropped_fields_are_listed()
    {
        var (faults, dropped) = Text.Dropping(Exported, NodeResource.Read);
        Assert.Empty(faults);
        foreach (var field in new[] { "sub_kind", "spec.hostname", "spec.rotation", "spec.use_tunnel", "spec.proxy_ids", "spec.version", "spec.cmd_labels.arch.command" })
            Assert.Contains(dropped, line => line.Contains($": {field} was dropped: ", StringComparison.Ordinal));
        Assert.NotEmpty(Text.NodeFaults(Exported));
    }
}

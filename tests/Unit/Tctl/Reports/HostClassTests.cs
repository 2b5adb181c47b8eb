using System.Text.Json;
using CertAuthority.Tctl.Reports;

namespace CertAuthority.Tests.Unit.Tctl.Reports;

public class HostClassTests
{
    private static readonly JsonElement ByEnv = ReportScene.Json("{'spec': {'allow': {'node_labels': {'env': ['prod']}}, 'deny': {'node_labels': {'pci': ['yes']}}}}");
    private static readonly JsonElement Everywhere = ReportScene.Json("{'spec': {'allow': {'node_labels': {'*': ['*']}}}}");

    [Fact]
    public void Only_labels_that_roles_select_by_divide_hosts() =>
        Assert.Equal(
            ["env=prod: a b", "env=test: c"],
            Divide([ReportScene.Node("b", "'env': 'prod', 'rack': '1'"), ReportScene.Node("c", "'env': 'test'"), ReportScene.Node("a", "'env': 'prod', 'rack': '2'")], [ByEnv, Everywhere]));

    [Fact]
    public void Denied_label_divides_hosts_too() =>
        Assert.Equal(
            ["env=prod: a", "env=prod,pci=yes: b"],
            Divide([ReportScene.Node("a", "'env': 'prod'"), ReportScene.Node("b", "'pci': 'yes', 'env': 'prod'")], [ByEnv]));

    [Fact]
    public void Locked_host_and_login_domain_are_classes_of_their_own() =>
        Assert.Equal(
            [": a d", ": b", ": c"],
            Divide(
                [ReportScene.Node("a"), ReportScene.Node("b"), ReportScene.Node("c", domain: "corp.example.com"), ReportScene.Node("d")], [Everywhere],
                ReportScene.Json("{'spec': {'target': {'node': 'b'}}}"), ReportScene.Json("{'spec': {'target': {'user': 'a'}}}")));

    [Fact]
    public void Site_without_hosts_has_no_class() => Assert.Empty(Divide([], [ByEnv]));

    private static string[] Divide(JsonElement[] nodes, JsonElement[] roles, params JsonElement[] locks) =>
        [.. HostClass.Divide(nodes, roles, locks).Select(one => $"{one.Labels}: {string.Join(' ', one.Names)}")];
}

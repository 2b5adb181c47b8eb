using CertAuthority.Protocol;
using CertAuthority.Tctl;

namespace CertAuthority.Tests.Unit.Tctl;

public class HostListTests
{
    private static readonly Dictionary<string, string> None = [];

    [Fact]
    public void Each_line_is_a_host_with_its_labels()
    {
        var (hosts, faults) = HostList.Read(
            "# name address labels\n\ndb1 root@db1.example.com:2222 type=db,env=test\n\tweb-1.eu   192.0.2.7\r\ndb2 [2001:db8::7]:22 note=a=b\n", "hosts",
            new Dictionary<string, string> { ["env"] = "prod" });
        Assert.Empty(faults);
        Assert.Equal(["db1", "web-1.eu", "db2"], hosts.Select(host => host.Node));
        Assert.Equal(
            [new ServerAddress.Ssh("root", "db1.example.com", 2222), new ServerAddress.Ssh(null, "192.0.2.7", null), new ServerAddress.Ssh(null, "2001:db8::7", 22)],
            hosts.Select(host => host.At));
        // The host's own label wins over the one of all.
        Assert.Equal(["env=test", "type=db"], hosts[0].Labels.Select(label => $"{label.Key}={label.Value}").Order(StringComparer.Ordinal));
        Assert.Equal(["env=prod"], hosts[1].Labels.Select(label => $"{label.Key}={label.Value}"));
        Assert.Equal("a=b", hosts[2].Labels["note"]);
    }

    [Theory]
    [InlineData("db1", "hosts:1: a line is NODE [USER@]HOST[:PORT] [KEY=VALUE,…], not 1 word")]
    [InlineData("db1 a b=c d", "hosts:1: a line is NODE [USER@]HOST[:PORT] [KEY=VALUE,…], not 4 words")]
    [InlineData("DB1 a", "hosts:1: 'DB1' is not the name of a node")]
    [InlineData("-x a", "hosts:1: '-x' is not the name of a node")]
    [InlineData("db1 -oProxyCommand=true", "hosts:1: '-oProxyCommand=true' is not where ssh can log in: [USER@]HOST[:PORT]")]
    [InlineData("db1 a prod", "hosts:1: 'prod' is not a label: KEY=VALUE, such as env=prod")]
    [InlineData("db1 a env=prod,=x", "hosts:1: '=x' is not a label: KEY=VALUE, such as env=prod")]
    [InlineData("db1 a\n#\ndb1 b", "hosts:3: db1 is in line 1 already")]
    [InlineData("db1 root@a\ndb2 admin@A.:22", "hosts:2: admin@A.:22 is in line 1 already, under another name")]
    public void Malformed_line_is_named_with_its_number(string text, string fault) =>
        Assert.Equal([fault], HostList.Read(text, "hosts", None).Faults);

    [Fact]
    public void Every_malformed_line_is_named() =>
        Assert.Equal(3, HostList.Read("one\ntwo\ndb1 a\n- b", "hosts", None).Faults.Count);
}

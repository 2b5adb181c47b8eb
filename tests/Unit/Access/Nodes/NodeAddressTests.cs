using System.Net;
using System.Runtime.InteropServices;
using CertAuthority.Access.Nodes;
using CertAuthority.Protocol;

namespace CertAuthority.Tests.Unit.Access;

public partial class NodeAddressTests
{
    [Theory]
    [InlineData("db1", "db1", null)]
    [InlineData("db1.example.com:22", "db1.example.com", 22)]
    [InlineData("DB1.Example.com", "db1.example.com", null)]
    [InlineData("db1.example.com.", "db1.example.com", null)]
    [InlineData("db1.example.com.:2222", "db1.example.com", 2222)]
    [InlineData("db_1", "db_1", null)]
    [InlineData("1db", "1db", null)]
    [InlineData("db1:1", "db1", 1)]
    [InlineData("db1:65535", "db1", 65535)]
    [InlineData("db1:022", "db1", 22)]
    [InlineData("10.0.0.1:22", "10.0.0.1", 22)]
    [InlineData("127.1", "127.0.0.1", null)]
    [InlineData("0x7f.1:22", "127.0.0.1", 22)]
    [InlineData("0177.0.0.1", "127.0.0.1", null)]
    [InlineData("[2001:db8::1]", "2001:db8::1", null)]
    [InlineData("[2001:DB8:0:0:0:0:0:1]:22", "2001:db8::1", 22)]
    [InlineData("[::FFFF:7f00:1]", "::ffff:127.0.0.1", null)]
    [InlineData("[::1]:22", "::1", 22)]
    public void Address_has_one_canonical_form(string text, string host, int? port)
    {
        var address = NodeAddress.Parse(text).Granted();
        Assert.Equal((host, port), (address.Host, address.Port));
        Assert.Equal(address, NodeAddress.Parse(address.ToString()).Granted());
    }

    // tsh judges again what a server sends, by code of its own, for it does not know the rules of the daemon: what the daemon stores it must read alike, and no more.
    [Fact]
    public void Command_line_and_daemon_judge_addresses_alike()
    {
        string[] parts = ["a", "-F", "db1", "[", "]", ":", "::1", "22", "99999999", "0", "1.2", ".", "_", "[-F]", "[::1]", "+", " ", "%eth0", "2001:db8::1"];
        foreach (var text in parts.SelectMany(one => parts, (one, two) => one + two).SelectMany(two => parts.Append(""), (two, three) => two + three))
        {
            var read = CertAuthority.Tsh.SshArguments.TryEndpoint(text);
            if (NodeAddress.Parse(text).Holds(out var stored, out _))
                Assert.Equal((stored.Host, stored.Port?.ToString()), CertAuthority.Tsh.SshArguments.TryEndpoint(stored.ToString()));
            else if (read is var (host, port))
                Assert.True(!host.StartsWith('-') && !host.Contains('[') && (!text.StartsWith('[') || host.Contains(':')) && (port is null || int.Parse(port) is > 0 and <= 65535), text);
            Assert.True(ServerAddress.TryParse($"ssh://{text}") is not ServerAddress.Ssh { Host: var there } || (there.Length > 0 && there[0] != '-' && !there.Contains('[')), text);
        }
    }

    [Theory]
    [InlineData("web1:ssh", "the port \"ssh\" is not a number from 1 to 65535")]
    [InlineData("web1:0", "the port \"0\" is not a number from 1 to 65535")]
    [InlineData("web1:65536", "the port \"65536\" is not a number from 1 to 65535")]
    [InlineData("x:99999999", "the port \"99999999\" is not a number from 1 to 65535")]
    [InlineData("x:99999999999999999999", "the port \"99999999999999999999\" is not a number from 1 to 65535")]
    [InlineData("web1:+22", "the port \"+22\" is not a number from 1 to 65535")]
    [InlineData("web1: 22", "the port \" 22\" is not a number from 1 to 65535")]
    [InlineData("web1:", "the port \"\" is not a number from 1 to 65535")]
    [InlineData("[::1]:", "the port \"\" is not a number from 1 to 65535")]
    [InlineData("2001:db8::1", "an IPv6 address stands in brackets: [2001:db8::1], or with a port [2001:db8::1]:22")]
    [InlineData("::1", "an IPv6 address stands in brackets: [::1], or with a port [::1]:22")]
    [InlineData("[::1", "the [ has no ]")]
    [InlineData("[-F]", "between the brackets stands no IPv6 address")]
    [InlineData("[db1]:22", "between the brackets stands no IPv6 address")]
    [InlineData("[10.0.0.1]", "between the brackets stands no IPv6 address")]
    [InlineData("[]", "between the brackets stands no IPv6 address")]
    [InlineData("[fe80::1%eth0]", "between the brackets stands no IPv6 address")]
    [InlineData("[[::1]]", "between the brackets stands no IPv6 address")]
    [InlineData("1.2.3.256", "\"1.2.3.256\" is neither a name nor an IPv4 address of four numbers from 0 to 255")]
    [InlineData("1.2.3.4.5", "\"1.2.3.4.5\" is neither a name nor an IPv4 address of four numbers from 0 to 255")]
    [InlineData("2130706433", "\"2130706433\" is neither a name nor an IPv4 address of four numbers from 0 to 255")]
    [InlineData("", Name)]
    [InlineData(":22", Name)]
    [InlineData(".", Name)]
    [InlineData("a..b", Name)]
    [InlineData("-oProxyCommand=reboot", Name)]
    [InlineData("a.-b", Name)]
    [InlineData("db1;reboot", Name)]
    [InlineData("root@db1", Name)]
    [InlineData("db1 db2", Name)]
    [InlineData("db1\n", Name)]
    [InlineData("dä", Name)]
    [InlineData("[::1]22", "write HOST or HOST:PORT")]
    public void Address_that_ssh_cannot_use_is_rejected_with_the_reason(string text, string why) =>
        Assert.Equal($"\"{text}\" is not an address: {why}", NodeAddress.Parse(text).Refused().Message);

    [Fact]
    public void Host_name_can_be_as_long_as_DNS_allows()
    {
        var label = new string('a', 63);
        Assert.Equal(253, NodeAddress.Parse($"{label}.{label}.{label}.{label[..61]}").Granted().Host.Length);
        Assert.NotNull(NodeAddress.Parse($"{label}.{label}.{label}.{label[..62]}").Refused());
        Assert.NotNull(NodeAddress.Parse($"{label}a.example.com").Refused());
    }

    [Theory]
    [InlineData("2001:DB8::1", "[2001:db8::1]")]
    [InlineData("Web1.:22", "web1:22")]
    [InlineData("web1:ssh", "web1:ssh")]
    [InlineData("[-F]", "[-F]")]
    [InlineData("", "")]
    public void Address_stored_by_an_older_version_is_kept_or_corrected(string stored, string read) => Assert.Equal(read, NodeAddress.Stored(stored));

    /// <summary>ssh writes an address by getnameinfo, which writes it by inet_ntop; the text is what it looks for in a host certificate.</summary>
    [Fact]
    public void An_IPv6_address_is_written_as_the_C_library_writes_it()
    {
        foreach (var mask in Enumerable.Range(0, 256))
            foreach (var tail in (byte[])[0, 1, 0xff])
            {
                var bytes = new byte[16];
                System.Security.Cryptography.RandomNumberGenerator.Fill(bytes);
                for (var group = 0; group < 8; group++)
                    if (((mask >> group) & 1) == 0)
                        (bytes[2 * group], bytes[(2 * group) + 1]) = group == 5 && tail == 0xff ? ((byte)0xff, (byte)0xff) : ((byte)0, group == 7 ? tail : (byte)0);
                var text = new byte[64];
                Assert.NotEqual(0, Written(10, bytes, text, text.Length));
                var expected = System.Text.Encoding.ASCII.GetString(text.AsSpan(0, Array.IndexOf(text, (byte)0)));
                Assert.Equal(expected, NodeAddress.Parse($"[{new IPAddress(bytes)}]").Granted().Host);
            }
        Assert.Equal("2001:db8::5efe:c000:207", NodeAddress.Parse("[2001:db8::5efe:192.0.2.7]").Granted().Host);
    }

    private const string Name = "write HOST or HOST:PORT; a host name consists of letters, digits, -, _ and ., and begins with a letter or a digit";

    [LibraryImport("libc", EntryPoint = "inet_ntop")]
    private static partial nint Written(int family, byte[] address, byte[] text, int size);
}

using CertAuthority.Protocol;
using CertAuthority.Tsh;

namespace CertAuthority.Tests.Unit.Tsh;

public class MemoryTests
{
    [Fact]
    public void Written_profile_reads_back()
    {
        using var folder = new Store.TemporaryFolder();
        var path = Path.Combine(folder.Path, "profile");
        var memory = new Memory { Servers = ServerList.TryParse("ssh://alice@auth1:22,ssh://auth2"), User = "bob", Agent = AgentUse.Only, Requests = ["1", "2"], PerHost = true, Session = LoginSession.TryParse("7 1795348277 bob") };
        memory.Write(path);
        Assert.Equal("server: ssh://alice@auth1:22,ssh://auth2\nuser: bob\nadd-keys-to-agent: only\nrequests: 1,2\nsession: 7 1795348277 bob\nper-host: yes\n", File.ReadAllText(path));
        var read = Memory.Read(path);
        Assert.Equal<string>(["1", "2"], read.Requests);
        Assert.Equal(memory with { Requests = default }, read with { Requests = default });
    }

    [Fact]
    public void Invalid_lines_of_a_profile_are_ignored()
    {
        using var folder = new Store.TemporaryFolder();
        var path = Path.Combine(folder.Path, "profile");
        File.WriteAllText(path, "server: ssh://-oProxyCommand=id\nadd-keys-to-agent: maybe\n\nserver\nfuture: thing\nuser: bob\n");
        Assert.Equal(new Memory { User = "bob" } with { Requests = default }, Memory.Read(path) with { Requests = default });
        Assert.Empty(Memory.Read(path).Requests);
        Assert.Null(Memory.Read(Path.Combine(folder.Path, "none")).Servers);
    }
}

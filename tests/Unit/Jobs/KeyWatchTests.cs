using CertAuthority.Jobs;
using CertAuthority.Protocol;
using CertAuthority.Store;
using Microsoft.Extensions.Logging.Abstractions;
using World = CertAuthority.Tests.Unit.Store.World;

namespace CertAuthority.Tests.Unit.Jobs;

public sealed class KeyWatchTests : IAsyncLifetime
{
    private HostWorld world = null!;

    [Fact]
    public async Task Fault_of_a_key_and_its_end_are_recorded_once_each()
    {
        var watch = new KeyWatch(World.Current(world.Authority), NullLogger.Instance);
        await Look();
        Assert.Empty(world.Store.Committed());

        File.Move(world.File("host_ca"), world.File("away"));
        await Look();
        await Look();
        // Another fault of the same key is another entry; another key has its own.
        File.WriteAllText(world.File("host_ca"), "");
        File.SetUnixFileMode(world.File("host_ca"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        File.SetUnixFileMode(world.File("sync_ca"), UnixFileMode.UserRead | UnixFileMode.OtherRead);
        await Look();
        File.Move(world.File("away"), world.File("host_ca"), overwrite: true);
        File.SetUnixFileMode(world.File("sync_ca"), UnixFileMode.UserRead | UnixFileMode.UserWrite);
        await Look();
        await Look();

        Assert.Equal(["ca.unusable", "ca.unusable", "ca.unusable", "ca.usable", "ca.usable"], world.Store.Committed());

        Task Look() => watch.Once(CancellationToken.None);
    }

    [Fact]
    public async Task Host_whose_CA_key_is_gone_gets_no_certificate_and_no_record()
    {
        var node = HostWorld.Node("db1");
        await world.Store.Database.Commit(transaction =>
        {
            NodeRow.Table.Put(transaction, node);
            return true;
        });
        File.Move(world.File("host_ca"), world.File("away"));
        await world.Authority.Keys.Host.Signing.Check();

        var refused = await Assert.ThrowsAsync<ProblemException>(
            () => CertAuthority.Operations.Nodes.Certify(world.Authority, CertAuthority.Operations.Caller.Daemon, "db1", OpenSsh.PublicKey.ParseLine(Vector.Text("ed25519.pub")), null));

        Assert.Equal(("the host CA key cannot sign now, so no certificate is issued", 0), (refused.Problem.Detail, world.Store.Committed().Length));
    }

    public async Task InitializeAsync() => world = await HostWorld.Start();

    public async Task DisposeAsync() => await world.DisposeAsync();
}

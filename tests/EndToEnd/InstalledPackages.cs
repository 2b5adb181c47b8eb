namespace CertAuthority.Tests.EndToEnd;

/// <summary>What ./package makes, other versions of it, and two booted machines: ca1 for the daemon, and db1, connected to it.</summary>
public sealed class InstalledPackages : IAsyncLifetime, IDisposable
{
    private readonly Scratch scratch = new();

    /// <summary>The machine that the daemon gets.</summary>
    public TestDebian Ca1 { get; private set; } = null!;

    /// <summary>The other machine.</summary>
    public TestDebian Db1 { get; private set; } = null!;

    /// <summary>The package of the daemon, for this machine's architecture.</summary>
    public string Server { get; private set; } = "";

    /// <summary>The package of the command lines.</summary>
    public string Client => Server.Replace("/certauthority_", "/certauthority-client_");

    /// <summary>The package of the signer.</summary>
    public string Signer => Server.Replace("/certauthority_", "/certauthority-signer_");

    public string Image => Path.ChangeExtension(Server, ".image.tar");

    public async Task InitializeAsync()
    {
        if (!World.HasPeople)
            return;
        var architecture = (await TestDebian.Run("dpkg", "--print-architecture")).Done().Trim();
        var before = Directory.CreateDirectory(TestDebian.Repository("artifacts/packages")).EnumerateFiles().ToDictionary(file => file.FullName, file => file.LastWriteTimeUtc);
        (await TestDebian.Run(TestDebian.Repository("package"), "--no-build", architecture)).Done();
        Server = Assert.Single(Directory.GetFiles(TestDebian.Repository("artifacts/packages"), $"certauthority_*_{architecture}.deb"), file => !before.TryGetValue(file, out var written) || File.GetLastWriteTimeUtc(file) > written);

        Ca1 = await TestDebian.Boot(scratch["ca1"], "ca1");
        Db1 = await TestDebian.Boot(scratch["db1"], "db1", Ca1);
        File.Copy(Client, Db1["/tmp/certauthority-client.deb"]);
        File.Copy(Client, Ca1["/tmp/certauthority-client.deb"]);
        File.Copy(Server, Ca1["/tmp/certauthority.deb"]);
        await Version("8.1");
        await Version("8.2");
        await AllInOne(architecture);
    }

    public async Task DisposeAsync()
    {
        if (!World.HasPeople)
            return;
        await Db1.DisposeAsync();
        await Ca1.DisposeAsync();
    }

    public void Dispose() => scratch.Dispose();

    /// <summary>The same files in packages of another version: /tmp/certauthority-VERSION.deb and /tmp/certauthority-client-VERSION.deb on ca1.</summary>
    private async Task Version(string version)
    {
        foreach (var (package, file) in new[] { ("certauthority", Server), ("certauthority-client", Client) })
            (await TestDebian.Run("sh", "-c", $"""
                set -e
                dpkg-deb --raw-extract {file} {scratch["unpacked"]}
                sed -i 's/^Version: .*/Version: {version}/' {scratch["unpacked"]}/DEBIAN/control
                dpkg-deb -Znone --build {scratch["unpacked"]} {Ca1[$"/tmp/{package}-{version}.deb"]}
                rm -r {scratch["unpacked"]}
                """)).Done();
    }

    /// <summary>The same programs as 0.1.0 packaged them: all in one, with a configuration that has every setting. /tmp/all-in-one.deb on ca1.</summary>
    private async Task AllInOne(string architecture) => (await TestDebian.Run("sh", "-c", $"""
        set -e
        cd {scratch.Path}
        dpkg-deb --raw-extract {Server} all
        dpkg-deb --extract {Client} all
        rm -r all/DEBIAN all/etc/certauthority/conf.d all/usr/sbin/certauthority-network all/usr/share/doc/certauthority-client
        mkdir all/DEBIAN
        cp {TestDebian.Repository("tests/older-package")}/* all/DEBIAN
        sed -i 's/@ARCHITECTURE@/{architecture}/' all/DEBIAN/control
        sed -i 's:--config /etc/certauthority$:--config /etc/certauthority/certauthority.yaml:' all/usr/lib/systemd/system/certauthority.service
        cp {TestDebian.Repository("config/certauthority.yaml")} all/etc/certauthority
        dpkg-deb -Znone --build all {Ca1["/tmp/all-in-one.deb"]}
        rm -r all
        """)).Done();
}

using System.Diagnostics;
using CertAuthority.Linux;

namespace CertAuthority.Tests.Unit.Linux;

public sealed class OrdinaryFileTests : IDisposable
{
    private readonly TemporaryFolder folder = new();

    [Fact]
    public void Ordinary_file_is_read_up_to_the_limit()
    {
        File.WriteAllBytes(folder.File("five"), [1, 2, 3, 4, 5]);
        Assert.Equal([1, 2, 3, 4, 5], OrdinaryFile.Read(folder.File("five"), 5));
        Assert.Null(OrdinaryFile.Read(folder.File("five"), 4));
        Assert.Null(OrdinaryFile.Read(folder.File("missing"), 5));
    }

    [Fact]
    public void Pipe_link_device_and_folder_are_not_read()
    {
        using (var made = Process.Start("mkfifo", folder.File("pipe")))
            made.WaitForExit();
        File.WriteAllBytes(folder.File("file"), [1]);
        File.CreateSymbolicLink(folder.File("link"), folder.File("file"));
        File.CreateSymbolicLink(folder.File("device"), "/dev/zero");
        Directory.CreateDirectory(folder.File("folder"));
        foreach (var name in (string[])["pipe", "link", "device", "folder"])
            Assert.Null(OrdinaryFile.Read(folder.File(name), 5));
        Assert.Null(OrdinaryFile.Read("/dev/zero", 5));
    }

    public void Dispose() => folder.Dispose();
}

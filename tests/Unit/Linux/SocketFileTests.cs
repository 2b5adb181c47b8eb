using CertAuthority.Linux;

namespace CertAuthority.Tests.Unit.Linux;

public class SocketFileTests
{
    [Fact]
    public void Withdrawn_socket_leaves_its_successor_closed()
    {
        using var folder = new TemporaryFolder();
        using var socket = SocketFile.TakeBeside(folder.File("ca.sock.admin"));
        socket.Bind();
        socket.Withdraw();
        using var successor = SocketFile.TakeBeside(folder.File("ca.sock.admin"));
        successor.Bind();
        var closed = File.GetUnixFileMode(successor.Path);

        socket.Open();

        Assert.Equal(closed, File.GetUnixFileMode(successor.Path));
    }
}

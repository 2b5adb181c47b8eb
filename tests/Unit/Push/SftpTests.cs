using CertAuthority.Push;

namespace CertAuthority.Tests.Unit.Push;

/// <summary>What ssh and sftp of OpenSSH 9.2 were seen to say, as people are told.</summary>
public class SftpTests
{
    [Theory]
    [InlineData("ssh: connect to host db1 port 22: Connection refused\nConnection closed\n", 255, "ssh: connect to host db1 port 22: Connection refused")]
    [InlineData("ssh: connect to host db1 port 22: Network is unreachable\nConnection closed.\n", 255, "ssh: connect to host db1 port 22: Network is unreachable (the unit of the package has no network until: certauthority-network on)")]
    [InlineData("socket: Address family not supported by protocol\nssh: connect to host db1 port 22: failure\nConnection closed.\n", 255, "socket: Address family not supported by protocol; ssh: connect to host db1 port 22: failure (the unit of the package has no network until: certauthority-network on)")]
    [InlineData("ssh: Could not resolve hostname db1: Temporary failure in name resolution\nConnection closed\n", 255, "ssh: Could not resolve hostname db1: Temporary failure in name resolution (the unit of the package has no network until: certauthority-network on)")]
    [InlineData("@@@@@@@@@@\n@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @\n@@@@@@@@@@\nHost key verification failed.\nConnection closed\n", 255, "it shows another host key than the one on record")]
    [InlineData("write remote \"/certauthority/revoked.krl.new\": Failure\n", 1, "write remote \"/etc/ssh/certauthority/revoked.krl.new\": Failure (sftp says no more; often a disk that is full, or can only be read)")]
    [InlineData("remote fsync: Failure\n", 0, "remote fsync: Failure (sftp says no more; often a disk that is full, or can only be read)")]
    [InlineData("one\ntwo\n", 1, "one; two")]
    [InlineData("kex.c:kex_exchange_identification():1383 (pid=7): Connection closed by remote host\nConnection closed\n", 255, "kex_exchange_identification: Connection closed by remote host")]
    [InlineData("sftp: 1: exec: sftp: not found\n", 127, "sftp cannot be started here: install the OpenSSH client")]
    [InlineData("", 255, "sftp ended with 255")]
    public void Failure_is_explained_in_one_line(string said, int exitCode, string told) => Assert.Equal(told, Sftp.Fault(said, exitCode).Why);
}

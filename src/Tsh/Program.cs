using CertAuthority.Terminal;
using CertAuthority.Tsh;

return await Shell.Run(new TshCommand(), SshCommand.EndOptionsAfterNode(args));

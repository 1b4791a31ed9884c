allowed = 'user‮ ⁦# only admins⁩ ⁦'
